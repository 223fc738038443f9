import assert from 'node:assert/strict'
import t, { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import type { SyncStoreLimiter } from '../../../lib/limiter/store-limiter.js'
import { newCharge } from '../../../lib/store/charge.js'
import type { Denied, Limiter, PolicyOptions, SyncStore } from '../../../types/index.js'
import { assertConsistent } from '../../fixtures/threads/assert-consistent.js'
import { atEveryStep, crashes, StepCells } from '../../fixtures/threads/steps.js'
import { ThreadSimulation } from '../../fixtures/threads/thread-simulation.js'

t.setTimeout(240_000)

const BUCKET: PolicyOptions = { name: 'bucket', rate: 60, per: 'hour', burst: 5 }
/** The time of a unit is not a whole number of microseconds. */
const UNEVEN: PolicyOptions = { name: 'uneven', rate: 7, per: 'hour', burst: 7 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 20, per: 'hour' }
const SMALL_WINDOW: PolicyOptions = { name: 'small', algorithm: 'sliding-window', rate: 4, per: 'minute' }
const BLOCKING: PolicyOptions = { ...BUCKET, name: 'blocking', block: 'day' }
const BLOCKING_WINDOW: PolicyOptions = { ...WINDOW, name: 'blocking window', block: '2 hours' }
/** Each block lasts three times as long as the one before. */
const HARSH: PolicyOptions = { ...BUCKET, name: 'harsh', block: { for: '3 hours', factor: 3 } }
const PATIENT: PolicyOptions = { name: 'patient', rate: 60, burst: 5, wait: '3 seconds' }
const IN_PROGRESS: PolicyOptions = { name: 'in progress', algorithm: 'concurrency', limit: 8, hold: '1 hour' }

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const CHARGED = ['a', 'new']
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'new']

interface Scenario {
  name: string
  policies: PolicyOptions[]
  maxKeys?: number
  maxUnits?: number
  /** Happens before. */
  before?(limiter: Limiter, simulation: ThreadSimulation): void
  /** The thread ends in the middle of this. */
  act(limiter: Limiter, store: SyncStore): void
  /** Whether each policy changes by itself. */
  apart?: boolean
}

const takeA = (cost: number) => (limiter: Limiter) => void limiter.take('a', { cost })
const fill =
  (...costs: number[]) =>
  (limiter: Limiter) => {
    for (const [i, cost] of costs.entries()) limiter.take(KEYS[i], { cost })
  }

/** Charges of one unit of 'a', one for each policy. */
const chargesOf = (limiter: Limiter, chargedAt = Number.POSITIVE_INFINITY) =>
  (limiter as SyncStoreLimiter).buckets.map((bucket) => ({ ...newCharge(bucket), key: 'a', chargedAt }))

const SCENARIOS: Scenario[] = [
  { name: 'a bucket is charged', policies: [BUCKET], before: fill(1), act: takeA(2) },
  {
    name: 'a bucket is charged across 2^32 microseconds',
    policies: [BUCKET],
    before: (limiter, { clock }) => {
      clock.advance(4_200_000)
      limiter.take('a')
      limiter.take('a', { cost: 5 })
    },
    act: takeA(2),
  },
  {
    name: 'a bucket in parts of a microsecond is charged',
    policies: [UNEVEN],
    before: fill(1),
    act: takeA(2),
  },
  {
    name: 'a bucket is charged for the first time',
    policies: [BUCKET],
    before: fill(0, 1, 2),
    act: takeA(2),
  },
  { name: 'a key is denied', policies: [BUCKET], before: fill(4), act: takeA(2) },
  {
    name: 'a window is charged for the first time',
    policies: [WINDOW],
    before: fill(0, 1, 2),
    act: takeA(2),
  },
  { name: 'a window is charged', policies: [WINDOW], before: fill(1), act: takeA(2) },
  {
    name: 'a window that was denied is charged',
    policies: [WINDOW],
    before: fill(19, 20),
    act: (limiter) => {
      limiter.take('a', { cost: 2 })
      limiter.take('a')
    },
  },
  { name: 'a ring grows', policies: [WINDOW], before: fill(5, 1, 1), act: takeA(7) },
  {
    name: 'a ring turns',
    policies: [SMALL_WINDOW],
    before: (limiter, { clock }) => {
      for (let i = 0; i < 9; i++) {
        limiter.take('a')
        clock.advance(20_000)
      }
    },
    act: takeA(1),
  },
  {
    name: 'a ring shrinks',
    policies: [WINDOW],
    before: (limiter, { clock }) => {
      limiter.take('a', { cost: 14 })
      clock.advance(61 * MINUTE)
      limiter.take('b')
    },
    act: takeA(1),
  },
  {
    name: 'a bucket is refunded',
    policies: [BUCKET],
    before: fill(4),
    act: (limiter) => limiter.refund('a', 2),
  },
  {
    name: 'the newest units of a window are given back',
    policies: [WINDOW],
    before: fill(4),
    act: (limiter) => limiter.refund('a', 2),
  },
  {
    name: 'units of a window are given back that are not the newest',
    policies: [SMALL_WINDOW],
    before: (limiter, { clock }) => {
      for (let i = 0; i < 5; i++) {
        limiter.take('a')
        clock.advance(15_000)
      }
    },
    act: (limiter, store) => store.refund(chargesOf(limiter, 30_000_000)),
  },
  {
    name: 'a bucket is reset',
    policies: [BUCKET],
    before: fill(1, 2, 3, 4),
    act: (limiter) => limiter.reset('b'),
  },
  {
    name: 'a window is reset',
    policies: [WINDOW],
    before: fill(1, 7, 1, 1),
    act: (limiter) => limiter.reset('b'),
  },
  {
    name: 'a full table forgets a live key',
    policies: [BUCKET],
    maxKeys: 4,
    before: fill(3, 1, 2, 3),
    act: (limiter) => void limiter.take('new', { cost: 2 }),
  },
  {
    name: 'a full table of rings forgets a live key',
    policies: [WINDOW],
    maxKeys: 4,
    before: fill(13, 1, 7, 3),
    act: (limiter) => void limiter.take('new', { cost: 2 }),
  },
  {
    name: 'a full table frees what has expired',
    policies: [SMALL_WINDOW],
    maxKeys: 4,
    before: (limiter, { clock }) => {
      fill(1, 1, 1)(limiter)
      clock.advance(2 * MINUTE)
      limiter.take('d')
    },
    act: (limiter) => void limiter.take('new', { cost: 2 }),
  },
  {
    name: 'rings are forgotten to make room for one',
    policies: [WINDOW],
    maxUnits: 64,
    before: fill(5, 6, 7, 4, 3),
    act: (limiter) => void limiter.take('new', { cost: 15 }),
  },
  {
    name: 'all expired keys are swept',
    policies: [SMALL_WINDOW],
    before: (limiter, { clock }) => {
      fill(1, 2, 3)(limiter)
      clock.advance(2 * MINUTE)
      limiter.take('d')
    },
    act: (_, store) => void store.sweep(),
  },
  {
    name: 'a bucket and a window are charged',
    policies: [BUCKET, WINDOW],
    before: fill(1, 1),
    act: takeA(2),
  },
  {
    name: 'several policies are charged for the first time',
    policies: [BUCKET, WINDOW, UNEVEN, SMALL_WINDOW],
    maxKeys: 6,
    before: (limiter) => void limiter.take('b'),
    act: takeA(2),
  },
  {
    name: 'keys in two parts are charged',
    policies: [BUCKET, WINDOW, UNEVEN, SMALL_WINDOW],
    maxKeys: 4096,
    before: fill(1, 1),
    act: takeA(2),
  },
  {
    name: 'keys in two parts are charged for the first time',
    policies: [WINDOW, BUCKET, SMALL_WINDOW, UNEVEN],
    maxKeys: 4096,
    act: takeA(3),
  },
  { name: 'a bucket promises units', policies: [PATIENT], before: fill(5), act: takeA(2) },
  {
    name: 'a bucket and a window promise units together',
    policies: [PATIENT, WINDOW],
    before: fill(5, 1),
    act: takeA(2),
  },
  { name: 'a unit begins', policies: [IN_PROGRESS], before: fill(6, 1), act: takeA(1) },
  {
    name: 'a unit that is not the newest ends',
    policies: [IN_PROGRESS],
    before: (limiter, { clock }) => {
      for (let i = 0; i < 8; i++) {
        limiter.take('a')
        clock.advance(MINUTE)
      }
    },
    act: (limiter, store) => store.refund(chargesOf(limiter, 2 * MINUTE * 1000)),
  },
  { name: 'a denial blocks a bucket', policies: [BLOCKING], before: fill(4, 1), act: takeA(2) },
  {
    name: 'a denial blocks a window, whose ring goes',
    policies: [BLOCKING_WINDOW],
    before: fill(19, 7, 8),
    act: takeA(2),
  },
  {
    name: 'a denial blocks and is counted',
    policies: [HARSH],
    before: fill(4, 1, 2),
    act: takeA(2),
  },
  {
    name: 'a denial blocks for longer and is counted',
    policies: [HARSH],
    before: (limiter, { clock }) => {
      for (const cost of [5, 1]) limiter.take('a', { cost })
      clock.advance(4 * HOUR)
      fill(4, 1, 2)(limiter)
    },
    act: takeA(2),
  },
  {
    name: 'a denial blocks and is counted where a full table forgets a live key',
    policies: [HARSH],
    maxKeys: 4,
    before: fill(4, 2, 1, 3),
    act: takeA(2),
  },
  {
    name: 'a denial by several policies in two parts blocks by those that block',
    policies: [HARSH, WINDOW, BLOCKING_WINDOW, UNEVEN, { ...HARSH, name: 'loose', burst: 20 }],
    maxKeys: 4096,
    before: fill(5),
    act: takeA(20),
    apart: true,
  },
  {
    name: 'a window whose block has ended is charged',
    policies: [BLOCKING_WINDOW],
    before: (limiter, { clock }) => {
      fill(20, 7)(limiter)
      limiter.take('a')
      clock.advance(2 * HOUR)
    },
    act: takeA(2),
  },
  {
    name: 'a bucket whose block has ended is charged',
    policies: [BLOCKING, HARSH],
    before: (limiter, { clock }) => {
      fill(5, 3)(limiter)
      limiter.take('a')
      clock.advance(24 * HOUR)
    },
    act: takeA(2),
  },
  {
    name: 'an operator blocks keys of several policies in two parts',
    policies: [WINDOW, BUCKET, BLOCKING_WINDOW, UNEVEN],
    maxKeys: 4096,
    before: fill(3, 1),
    act: (limiter, store) => store.block(chargesOf(limiter), 5 * HOUR),
  },
  {
    name: 'an operator blocks keys that have no slot, in a full table',
    policies: [WINDOW],
    maxKeys: 4,
    before: fill(0, 1, 2, 7, 8),
    act: (limiter, store) => store.block(chargesOf(limiter), 5 * HOUR),
  },
  {
    name: 'an operator shortens a block',
    policies: [BLOCKING],
    before: fill(5, 1),
    act: (limiter, store) => store.block(chargesOf(limiter), 5 * HOUR),
  },
  {
    name: 'a block is lifted',
    policies: [HARSH],
    before: (limiter) => {
      fill(5, 1, 2)(limiter)
      limiter.take('a')
    },
    act: (limiter) => limiter.reset('a'),
  },
  {
    name: 'blocks and offences are swept',
    policies: [HARSH],
    before: (limiter, { clock }) => {
      fill(5, 5, 1)(limiter)
      for (const key of ['a', 'b']) limiter.take(key)
      clock.advance(48 * HOUR)
      limiter.take('c')
    },
    act: (_, store) => void store.sweep(),
  },
]

/** The simulation in which a scenario begins. Thread 1 did what happens before. */
function begin(
  { policies, maxKeys = 20, maxUnits = 256, before }: Scenario,
  maxThreads = 6,
): ThreadSimulation {
  const simulation = new ThreadSimulation({ maxKeys, maxUnits, maxThreads })
  const limiter = limiterOn(simulation.store(1), policies)
  before?.(limiter, simulation)
  return simulation
}

const limiters = new WeakMap<SyncStore, Limiter>()

/** The limiter of a store: always the same, because a second limiter would have keys of its own. */
function limiterOn(store: SyncStore, policies: PolicyOptions[]): Limiter {
  const limiter = limiters.get(store) ?? createLimiter({ name: 'tested', policies }, { store })
  limiters.set(store, limiter)
  return limiter
}

/** The verdicts of a store about each key, policy by policy. */
function observe(store: SyncStore, policies: PolicyOptions[]): Map<string, string[]> {
  const { buckets } = limiterOn(store, policies) as SyncStoreLimiter
  return new Map(
    KEYS.map((key) => {
      const charges = buckets.map((bucket) => ({ ...newCharge(bucket), key, cost: 0 }))
      store.peek(charges)
      return [key, charges.map(({ remaining, resetAfter }) => `${remaining} ${resetAfter}`)]
    }),
  )
}

/** Plays a scenario without a crash, and then with a crash at a step of the caller's choice. */
function play(scenario: Scenario, base: ThreadSimulation) {
  const { policies, act, apart = false } = scenario
  const before = observe(base.copy().store(2), policies)
  const done = base.copy()
  const store = done.store(2)
  act(limiterOn(store, policies), store)
  const after = observe(store, policies)
  assertConsistent(done.memory)
  /** Returns null if the thread finished before that step. */
  const crashAt = (steps: number, dies: boolean) => {
    const simulation = base.copy()
    const waiting = simulation.store(3)
    const cells = new StepCells(simulation.memory)
    cells.dies = dies
    const store = simulation.store(2, cells)
    const limiter = limiterOn(store, policies)
    cells.steps = steps
    if (!crashes(() => act(limiter, store))) return null
    if (dies) simulation.dead.add(2)
    return { simulation, waiting, store }
  }
  /**
   * The verdicts about a charged key are, for all policies together, those from before or those from after.
   * Any other key may be forgotten, so each of its verdicts is one or the other, as where policies change
   * `apart`.
   */
  const assertSound = (simulation: ThreadSimulation, store: SyncStore, where: string) => {
    for (const [key, told] of observe(store, policies)) {
      const [old, young] = [before.get(key) as string[], after.get(key) as string[]]
      const sound =
        CHARGED.includes(key) && !apart
          ? [`${old}`, `${young}`].includes(`${told}`)
          : told.every((one, i) => one === old[i] || one === young[i])
      assert.ok(sound, `${where}: ${key} has ${told}`)
    }
    assertConsistent(simulation.memory)
  }
  return { crashAt, assertSound }
}

for (const scenario of SCENARIOS) {
  const { name } = scenario
  test(`a thread that ends at any step leaves all or nothing, and the next thread goes on: ${name}`, async (t) => {
    const { crashAt, assertSound } = play(scenario, begin(scenario))
    const steps = atEveryStep((step) => {
      const crash = crashAt(step, true)
      if (crash !== null) assertSound(crash.simulation, crash.waiting, `waiting, step ${step}`)
      return crash !== null
    })
    t.ok(steps >= 3, `${steps} steps`)
    const crowded = play(scenario, begin(scenario, 3))
    atEveryStep((step) => {
      const crash = crowded.crashAt(step, true)
      if (crash !== null)
        crowded.assertSound(crash.simulation, crash.simulation.store(4), `new, step ${step}`)
      return crash !== null
    })
  })

  test(`a thread that fails at any step and lives on leaves all or nothing: ${name}`, async () => {
    const { crashAt, assertSound } = play(scenario, begin(scenario))
    for (const who of ['waiting', 'store'] as const) {
      atEveryStep((step) => {
        const crash = crashAt(step, false)
        if (crash === null) return false
        assertSound(crash.simulation, crash[who], `${who}, step ${step}`)
        // The failed thread goes on as if nothing had happened.
        assertSound(crash.simulation, crash.store, `${who}, then itself, step ${step}`)
        return true
      })
    }
  })
}

for (const scenario of SCENARIOS.filter(({ name }) => /across|grows|forgets a live|two parts/.test(name))) {
  test(`a thread that ends while it recovers another leaves all or nothing: ${scenario.name}`, async (t) => {
    const base = begin(scenario)
    const { crashAt, assertSound } = play(scenario, base)
    let recoveries = 0
    const steps = atEveryStep((step) => crashAt(step, true) !== null)
    for (let step = 0; step < steps; step += 3) {
      const crash = crashAt(step, true)
      recoveries += atEveryStep((recoveryStep) => {
        const simulation = (crash as NonNullable<typeof crash>).simulation.copy()
        const cells = new StepCells(simulation.memory)
        const recoverer = simulation.store(5, cells)
        cells.steps = recoveryStep
        if (!crashes(() => observe(recoverer, scenario.policies)) || recoveryStep > 60) return false
        simulation.dead.add(5)
        assertSound(simulation, simulation.store(6), `step ${step}, recovery step ${recoveryStep}`)
        return true
      })
    }
    t.ok(recoveries > steps)
  })
}

for (const maxKeys of [20, 4]) {
  test(`a thread that ends at any step has begun and counted a block, or neither: room for ${maxKeys} keys`, async (t) => {
    const base = new ThreadSimulation({ maxKeys, maxUnits: 256, maxThreads: 6 })
    const before = limiterOn(base.store(1), [HARSH])
    fill(5, 3, 1)(before)
    /** The lengths of the next blocks, in hours: each is begun, told and outlived. */
    const blocks = ({ clock }: ThreadSimulation, limiter: Limiter) => {
      const lengths: number[] = []
      while (lengths.length < 3) {
        while (limiter.take('a').allowed);
        const { retryAfter } = limiter.peek('a') as Denied
        lengths.push(retryAfter / HOUR)
        clock.advance(retryAfter)
      }
      return lengths
    }
    const steps = atEveryStep((step) => {
      const simulation = base.copy()
      const waiting = simulation.store(3)
      const cells = new StepCells(simulation.memory)
      const limiter = limiterOn(simulation.store(2, cells), [HARSH])
      cells.steps = step
      const ended = crashes(() => limiter.take('a'))
      simulation.dead.add(2)
      assert.deepEqual(blocks(simulation, limiterOn(waiting, [HARSH])), [3, 9, 27], `step ${step}`)
      return ended
    })
    t.ok(steps > 10, `${steps} steps`)
  })
}

test('a thread that ends while it joins leaves its place to another', async (t) => {
  const base = new ThreadSimulation({ maxKeys: 4, maxThreads: 1 })
  const steps = atEveryStep((step) => {
    const simulation = base.copy()
    const cells = new StepCells(simulation.memory)
    cells.steps = step
    const ended = crashes(() => limiterOn(simulation.store(1, cells), [BUCKET, WINDOW]))
    simulation.dead.add(1)
    const limiter = limiterOn(simulation.store(2), [WINDOW, BUCKET])
    t.match(limiter.take('a'), { allowed: true, remaining: 4 })
    assertConsistent(simulation.memory)
    return ended
  })
  t.ok(steps > 5, `${steps} steps`)
})

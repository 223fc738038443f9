import assert from 'node:assert/strict'
import { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import type { SyncStoreLimiter } from '../../../lib/limiter/store-limiter.js'
import { newCharge } from '../../../lib/store/charge.js'
import type { Limiter, PolicyOptions, SyncStore } from '../../../types/index.js'
import { assertConsistent } from '../../fixtures/threads/assert-consistent.js'
import { atEveryStep, crashes, StepCells } from '../../fixtures/threads/steps.js'
import { ThreadSimulation } from '../../fixtures/threads/thread-simulation.js'

const BUCKET: PolicyOptions = { name: 'bucket', rate: 60, per: 'hour', burst: 5 }
/** The time of a unit is not a whole number of microseconds. */
const UNEVEN: PolicyOptions = { name: 'uneven', rate: 7, per: 'hour', burst: 7 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 20, per: 'hour' }
const SMALL_WINDOW: PolicyOptions = { name: 'small', algorithm: 'sliding-window', rate: 4, per: 'minute' }

const MINUTE = 60_000
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
}

const takeA = (cost: number) => (limiter: Limiter) => void limiter.take('a', { cost })
const fill =
  (...costs: number[]) =>
  (limiter: Limiter) => {
    for (const [i, cost] of costs.entries()) limiter.take(KEYS[i], { cost })
  }

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
    act: (limiter, store) => {
      const [bucket] = (limiter as SyncStoreLimiter).buckets
      store.refund([{ ...newCharge(bucket), key: 'a', cost: 1, chargedAt: 30_000_000 }])
    },
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
  const { policies, act } = scenario
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
   * Any other key may be forgotten, so each of its verdicts is one or the other.
   */
  const assertSound = (simulation: ThreadSimulation, store: SyncStore, where: string) => {
    for (const [key, told] of observe(store, policies)) {
      const [old, young] = [before.get(key) as string[], after.get(key) as string[]]
      const sound = CHARGED.includes(key)
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

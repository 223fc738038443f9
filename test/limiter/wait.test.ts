import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { limiterOver } from '../../lib/limiter/index.js'
import { compilePolicies, createLimiter } from '../../lib/limiter/limiter.js'
import type { Timing } from '../../lib/limiter/runner.js'
import { memoryStore } from '../../lib/store/index.js'
import type { AnyLimiter, Decision, PolicyOptions, Store } from '../../types/index.js'
import { lateStore } from '../fixtures/late-store.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { ManualTimers } from '../fixtures/manual-timers.js'
import { bytesInUse } from '../store/memory/bytes.js'

/** One a second, and one at once. A call waits for up to 5 seconds. */
const HELD: PolicyOptions = { name: 'held', rate: 1, per: 'second', burst: 1, wait: '5 seconds' }
const PROGRESS: PolicyOptions = { name: 'progress', algorithm: 'concurrency', limit: 2 }

interface Room {
  clock: ManualClock
  timers: ManualTimers
  store: Store
}

function limiterOf(room: Room, policies: PolicyOptions[], timing: Timing = {}): AnyLimiter {
  const { after } = room.timers
  const compiled = compilePolicies(policies, 'tested', 'policies')
  return limiterOver('tested', compiled, room.store, 'tested', undefined, {
    afterWait: after,
    after,
    ...timing,
  })
}

/** Notes what becomes of a promise. */
function watch(promise: Promise<Decision>) {
  const seen: { decision?: Decision; reason?: unknown } = {}
  promise.then(
    (decision) => {
      seen.decision = decision
    },
    (reason) => {
      seen.reason = reason
    },
  )
  return seen
}

/** Each test runs over a store that answers at once, and over one that answers later. */
function both(title: string, body: (t: Test, room: Room) => Promise<unknown>): void {
  const clock = () => {
    const clock = new ManualClock()
    return { clock, timers: new ManualTimers(clock) }
  }
  test(`at once: ${title}`, (t) => {
    const time = clock()
    return body(t, { ...time, store: memoryStore({ clock: time.clock }) })
  })
  test(`over a network: ${title}`, (t) => {
    const time = clock()
    return body(t, { ...time, store: lateStore(time.clock).store })
  })
}

both('a call resolves when its units have come back, in the order of arrival', async (t, room) => {
  const limiter = limiterOf(room, [HELD])
  const calls = Array.from({ length: 4 }, () => watch(limiter.wait('key')))
  const gone = () => calls.filter(({ decision }) => decision !== undefined).length
  await room.timers.advance(0)
  t.equal(gone(), 1)
  t.notOk('delay' in (calls[0].decision as Decision))
  for (let second = 1; second <= 3; second++) {
    await room.timers.advance(999)
    t.equal(gone(), second)
    await room.timers.advance(1)
    t.equal(gone(), second + 1)
    t.match(calls[second].decision, { allowed: true, delay: 1000 * second, remaining: 0 })
  }
  t.equal(room.timers.armed, 0)
  t.match(limiter.stats().policies.held, { allowed: 1, delayed: 3, denied: 0, units: 4 })
})

both('what would wait for too long is denied at once, and is a value', async (t, room) => {
  const limiter = limiterOf(room, [HELD])
  for (let i = 0; i < 6; i++) watch(limiter.wait('key'))
  t.match(await limiter.wait('key'), { allowed: false, retryAfter: 1000 })
  t.match(await limiter.wait('key', { cost: 2 }), { allowed: false, retryAfter: Infinity })
  t.equal(room.timers.armed, 5)
})

both('an abort gives the units back, and rejects with its reason', async (t, room) => {
  const limiter = limiterOf(room, [HELD, PROGRESS])
  await limiter.wait('key')
  const controller = new AbortController()
  const waiting = watch(limiter.wait('key', { signal: controller.signal }))
  await room.timers.advance(300)
  t.match(await limiter.peek('key', { cost: 0 }), { remaining: 0 })
  const reason = new Error('gone')
  controller.abort(reason)
  await room.timers.advance(0)
  t.equal(waiting.reason, reason)
  t.equal(room.timers.armed, 0)
  t.match(await limiter.peek('key'), { allowed: true, delay: 700, remaining: 0 }, 'as before')
  t.match(limiter.stats().policies.held, { allowed: 1, delayed: 1 }, 'it was delayed until then')
  await room.timers.advance(700)
  t.match(await limiter.wait('key'), { allowed: true })
})

both('a signal that is aborted already charges nothing', async (t, room) => {
  const limiter = limiterOf(room, [HELD])
  await t.rejects(limiter.wait('key', { signal: AbortSignal.abort(new Error('early')) }), {
    message: 'early',
  })
  t.match(await limiter.peek('key'), { allowed: true, remaining: 1 })
})

both('a signal has no listener once the call goes on', async (t, room) => {
  const limiter = limiterOf(room, [HELD])
  const controller = new AbortController()
  await limiter.wait('key', { signal: controller.signal })
  const waiting = watch(limiter.wait('key', { signal: controller.signal }))
  await room.timers.advance(1000)
  controller.abort()
  await room.timers.advance(0)
  t.match(waiting, { decision: { allowed: true }, reason: undefined })
  t.match(await limiter.peek('key'), { delay: 1000 }, 'its unit stays charged')
})

both('calls beyond maxWaiting are denied, and charge nothing', async (t, room) => {
  const window: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 9, per: 'hour' }
  const limiter = limiterOf(room, [HELD, window, PROGRESS], { maxWaiting: 1 })
  await limiter.wait('key')
  const waiting = watch(limiter.wait('key'))
  await room.timers.advance(0)
  await limiter.refund('key', 0)
  t.match(await limiter.wait('other'), { allowed: true })
  t.match(await limiter.wait('other'), {
    allowed: false,
    policy: 'held',
    violated: ['held'],
    retryAfter: 1000,
    resetAfter: 1000,
  })
  t.match(await limiter.peek('other', { cost: 0 }), { remaining: 0, resetAfter: 1000 })
  t.match(limiter.stats().policies.held, { allowed: 2, delayed: 1, denied: 1 })
  t.match(limiter.stats().policies.window, { denied: 0 })
  await room.timers.advance(1000)
  t.match(waiting.decision, { allowed: true })
  t.match(await limiter.peek('other'), { allowed: true })
})

test('nobody waits where maxWaiting is 0', async (t) => {
  const clock = new ManualClock()
  const limiter = createLimiter({ ...HELD, name: 'tested' }, { store: memoryStore({ clock }), maxWaiting: 0 })
  await limiter.wait('key')
  t.match(await limiter.wait('key'), { allowed: false, retryAfter: 1000 })
})

test('an abort before the reply of the store gives the units back', async (t) => {
  const clock = new ManualClock()
  const late = lateStore(clock)
  const limiter = limiterOf({ clock, timers: new ManualTimers(clock), store: late.store }, [HELD])
  const abortEarly = async (cost: number) => {
    late.hold()
    const controller = new AbortController()
    const waiting = limiter.wait('key', { cost, signal: controller.signal })
    controller.abort(new Error('gone'))
    late.reply()
    await t.rejects(waiting, { message: 'gone' })
  }
  await abortEarly(1)
  t.match(await limiter.take('key'), { allowed: true, remaining: 0 }, 'nothing was charged')
  await abortEarly(1)
  t.match(await limiter.peek('key'), { delay: 1000 })
  await abortEarly(2)
  t.match(limiter.stats().policies.held, { allowed: 2, delayed: 1, denied: 1 }, 'all were decisions')
})

test('misuse rejects, for a limiter of either kind', async (t) => {
  const clock = new ManualClock()
  for (const store of [memoryStore({ clock }), lateStore(clock).store] as Store[]) {
    const limiter: AnyLimiter = createLimiter({ ...HELD, name: 'tested' }, { store })
    await t.rejects(limiter.wait(''), { code: 'FST_FLOODGATE_KEY' })
    await t.rejects(limiter.wait('key', { cost: 0.5 }), { code: 'FST_FLOODGATE_COST' })
    await t.rejects(limiter.wait('key', { signal: {} as never }), {
      code: 'FST_FLOODGATE_OPTION',
      message: "option 'options.signal' is an object; allowed: an AbortSignal",
    })
    await t.rejects(limiter.wait('key', { sginal: 1 } as never), {
      code: 'FST_FLOODGATE_UNKNOWN_OPTION',
      message: /did you mean 'signal'\?; allowed: cost, signal/,
    })
    t.match(await limiter.wait('key', {}), { allowed: true, remaining: 0 })
  }
})

test('a call that waits keeps its delay by the clock of the machine', async (t) => {
  const limiter = createLimiter({ name: 'tested', rate: 100, per: 'second', burst: 1, wait: 'minute' })
  const start = performance.now()
  await Promise.all(Array.from({ length: 20 }, () => limiter.wait('key')))
  const passed = performance.now() - start
  // The first of the 20 goes at once, and the clock is read before the take.
  t.ok(passed >= 190 - 1, `${passed}`)
})

test('10,000 calls that wait and are all aborted leave memory and units as they were', async (t) => {
  const policy: PolicyOptions = { name: 'deep', rate: 1000, per: 'second', burst: 30_000, wait: 'minute' }
  const store = memoryStore({ clock: new ManualClock() })
  const limiter = createLimiter({ name: 'tested', policies: [policy] }, { store, maxWaiting: 10_000 })
  const flood = async () => {
    const controllers = Array.from({ length: 10_000 }, () => new AbortController())
    const ended = Promise.allSettled(controllers.map(({ signal }) => limiter.wait('key', { signal })))
    await setImmediate()
    t.match(await limiter.wait('other', { cost: 30_000 }), { allowed: true })
    t.match(await limiter.wait('other'), { allowed: false }, 'no more may wait')
    t.ok(timers() > idle)
    for (const controller of controllers) controller.abort()
    t.equal((await ended).filter(({ status }) => status === 'rejected').length, 10_000)
    limiter.reset('other')
  }
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const idle = timers()
  limiter.take('key', { cost: 30_000 })
  limiter.take('key', { cost: 30_000 })
  const units = limiter.peek('key')
  t.match(units, { allowed: true, delay: 30_001, resetAfter: 60_000 })
  await flood()
  const before = await bytesInUse()
  await flood()
  const grown = (await bytesInUse()) - before
  t.ok(grown < 500_000, `${grown} bytes`)
  t.same(limiter.peek('key'), units)
  // Other tests of the process may have timers, too, but not for long.
  while (timers() > idle) await sleep(10)
})

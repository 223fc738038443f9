import { setImmediate } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { limiterOver } from '../../lib/limiter/index.js'
import { compilePolicies, createLimiter } from '../../lib/limiter/limiter.js'
import { memoryStore } from '../../lib/store/index.js'
import type { PolicyOptions, Store } from '../../types/index.js'
import { lateStore } from '../fixtures/late-store.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { overBoth, type Timed, timed } from './both-stores.js'

const HOUR = 3_600_000
const BUCKET: PolicyOptions = { name: 'bucket', rate: 3, per: 'hour', burst: 3, enforce: false }
const PROGRESS: PolicyOptions = { name: 'progress', algorithm: 'concurrency', limit: 3, enforce: false }
const HELD: PolicyOptions = { name: 'held', rate: 1, per: 'second', burst: 1, wait: '5 seconds' }
const FREE = { allowed: true, policy: 'bucket', limit: Infinity, remaining: Infinity, resetAfter: 0 }

/** A limiter over both stores, and the units that its policies have left for a key, shadow or not. */
function both(
  title: string,
  policies: PolicyOptions[],
  body: (t: Test, room: Room) => Promise<unknown>,
  maxWaiting?: number,
): void {
  overBoth(title, policies, (t, timed) => body(t, roomOf(timed)), maxWaiting)
}

type Room = ReturnType<typeof roomOf>

function roomOf({ clock, timers: { advance }, store, limiter }: Timed) {
  const { buckets } = limiter as unknown as { buckets: readonly { policy: { limit: number } }[] }
  const left = async () => {
    await setImmediate()
    const charges = buckets.map((bucket) => ({ bucket, key: 'key', cost: 0 }) as never)
    await store.peek(charges)
    return charges.map(({ remaining }: { remaining: number }) => remaining)
  }
  return { clock, limiter, left, advance }
}

both('shadows hold nobody, and take their units', [BUCKET, { ...HELD, enforce: false }], async (t, room) => {
  const { limiter, left } = room
  for (let i = 0; i < 5; i++) t.same(await limiter.wait('key'), FREE)
  t.same(await left(), [0, 0])
  t.match(limiter.stats().policies, {
    bucket: { allowed: 3, shadowDenied: 2 },
    held: { allowed: 5, delayed: 0, shadowDenied: 0 },
  })
})

both('work counts in a shadow while it is in progress', [BUCKET, PROGRESS], async (t, { limiter, left }) => {
  await limiter.run('key', async () => t.same(await left(), [2, 2]))
  t.same(await left(), [2, 3])
  await t.rejects(
    limiter.run('key', () => Promise.reject(new Error('failed'))),
    { message: 'failed' },
  )
  t.same(await left(), [1, 3], 'however it ends')
})

both(
  'work that is denied ends its units in progress and stays charged',
  [{ name: 'none', rate: 0 }, BUCKET, PROGRESS],
  async (t, { limiter, left }) => {
    await t.rejects(
      limiter.run('key', () => t.fail('it ran')),
      { code: 'FST_FLOODGATE_DENIED' },
    )
    t.same(await left(), [0, 2, 3])
    t.match(await limiter.wait('key'), { allowed: false, policy: 'none' })
    t.same(await left(), [0, 1, 2], 'what waits is ended by hand')
  },
)

both(
  'who gives up gives the units of shadows back',
  [HELD, BUCKET, PROGRESS],
  async (t, { limiter, left }) => {
    await limiter.take('key')
    t.same(await left(), [0, 2, 2])
    for (const call of ['wait', 'run'] as const) {
      const abort = new AbortController()
      const { signal } = abort
      const pending =
        call === 'wait' ? limiter.wait('key', { signal }) : limiter.run('key', () => 1, { signal })
      t.same(await left(), [0, 1, 1], call)
      abort.abort()
      await t.rejects(pending as Promise<unknown>, { name: 'AbortError' })
      t.same(await left(), [0, 2, 2], call)
    }
  },
)

both(
  'who is denied because too many wait stays charged by shadows',
  [HELD, BUCKET],
  async (t, { limiter, left }) => {
    await limiter.take('key')
    t.match(await limiter.wait('key'), { allowed: false, policy: 'held' })
    t.same(await left(), [0, 1])
  },
  0,
)

test('who gave up before the store answered is charged by no shadow', async (t) => {
  const clock = new ManualClock()
  const { store, hold, reply } = lateStore(clock)
  const { limiter, left } = roomOf(timed(clock, store, [HELD, BUCKET, PROGRESS]))
  for (const call of ['wait', 'run'] as const) {
    const abort = new AbortController()
    const { signal } = abort
    hold()
    const pending =
      call === 'wait' ? limiter.wait('key', { signal }) : limiter.run('key', () => 1, { signal })
    await setImmediate()
    abort.abort()
    reply()
    await t.rejects(pending as Promise<unknown>, { name: 'AbortError' })
    t.same(await left(), [1, 3, 3], call)
  }
})

test('nothing waits for a shadow, and what ended before its answer gives back what it held', async (t) => {
  const clock = new ManualClock()
  const { store, hold, reply, fail } = lateStore(clock)
  const { limiter, left } = roomOf(timed(clock, store, [BUCKET, PROGRESS]))
  hold()
  t.same(await limiter.take('key'), FREE)
  t.equal(await limiter.run('key', () => 'done'), 'done')
  t.match(limiter.stats().policies, { bucket: { allowed: 0 } }, 'nothing was decided yet')
  reply()
  t.same(await left(), [1, 2], 'the take has no end')
  t.match(limiter.stats().policies, { bucket: { allowed: 2 }, progress: { allowed: 2 } })
  hold()
  t.same(await limiter.take('key'), FREE)
  fail()
  await setImmediate()
  t.match(limiter.stats().policies, { bucket: { allowed: 2, shadowDenied: 0 } }, 'it decided nothing')
})

test('a refund of shadows that fails is nobody’s failure', async (t) => {
  const clock = new ManualClock()
  const { store, hold, reply, fail } = lateStore(clock)
  const { limiter, left } = roomOf(timed(clock, store, [HELD, BUCKET]))
  await limiter.take('key')
  const abort = new AbortController()
  const pending = limiter.wait('key', { signal: abort.signal })
  t.same(await left(), [0, 1])
  hold()
  abort.abort()
  await setImmediate()
  fail()
  await t.rejects(pending, { message: 'no reply' }, 'that of the others is')
  reply()
})

test('a store that cannot answer for a shadow fails no call', async (t) => {
  const memory = memoryStore({ clock: new ManualClock() })
  const store: Store = Object.assign(Object.create(memory), {
    open: memory.open.bind(memory),
    stats: memory.stats.bind(memory),
    take(charges: Parameters<typeof memory.take>[0]) {
      if (charges[0].bucket.policy.name === 'bucket') throw new Error('broken')
      return memory.take(charges)
    },
  })
  const limiter = createLimiter({ name: 'tested', policies: [{ rate: 1, name: 'own' }, BUCKET] }, { store })
  t.match(await limiter.take('key'), { allowed: true, policy: 'own' })
  t.match(limiter.stats().policies, { own: { allowed: 1 }, bucket: { allowed: 0, shadowDenied: 0 } })
})

test('a charge of a key with an override is that of the override', async (t) => {
  const clock = new ManualClock(HOUR)
  const { limiter } = roomOf(timed(clock, memoryStore({ clock }), [{ ...BUCKET, name: 'own' }]))
  const own = limiter as never as ReturnType<typeof limiterOver>
  const policy = { rate: 1, enforce: true } as const
  const override = own.sibling(compilePolicies([policy], 'tested', 'policies')) as never
  const common = { until: Infinity, comment: '', isSourced: false, used: 0 }
  own.setOverride('key', { policy, limiter: override, ...common })
  t.match(await limiter.take('key'), { allowed: true, limit: 1 })
  t.match(await limiter.take('key'), { allowed: false })
  t.match(await limiter.take('other'), { limit: Infinity })
})

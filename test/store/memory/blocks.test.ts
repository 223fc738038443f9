import { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { memoryStore } from '../../../lib/store/index.js'
import type { Limiter, PolicyOptions } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { codes, emitted } from '../../plugin/support/warnings.js'
import { policyOf } from './many-laws.js'

type Named = PolicyOptions & { name: string }

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const BUCKET: Named = { name: 'bucket', rate: 2, per: 'minute', burst: 2, block: 'hour' }
const WINDOW: Named = { name: 'window', algorithm: 'sliding-window', rate: 2, per: 'minute', block: 'hour' }
const GROWING: Named = { ...BUCKET, block: { for: '1 minute', factor: 2, forget: '10 minutes' } }

function storeOf(policy: Named, maxKeys: number) {
  const clock = new ManualClock()
  const store = memoryStore({ clock, maxKeys })
  return { clock, store, limiter: createLimiter(policy, { store }) }
}

/** Takes until the key is blocked. Returns for how long. */
function offend(limiter: Limiter, key: string): number {
  for (;;) {
    const decision = limiter.take(key)
    if (!decision.allowed) return decision.retryAfter
  }
}

for (const policy of [BUCKET, WINDOW]) {
  test(`a blocked key outlives strangers in a full store: ${policy.name}`, async (t) => {
    emitted(t)
    const { clock, store, limiter } = storeOf(policy, 100)
    const strangers = createLimiter({ name: 'strangers', rate: 1, per: 'minute', burst: 1 }, { store })
    for (let i = 0; i < 20; i++) offend(limiter, `blocked ${i}`)
    for (let i = 0; i < 5000; i++) {
      strangers.take(`stranger ${i}`)
      strangers.take(`stranger ${i}`)
      if (i % 100 === 0) clock.advance(1)
    }
    t.ok(store.stats().forgotten > 4000)
    for (let i = 0; i < 20; i++) t.match(limiter.peek(`blocked ${i}`), { blocked: true })
  })

  test(`a store frees a block that is over: ${policy.name}`, async (t) => {
    const { clock, store, limiter } = storeOf(policy, 10)
    offend(limiter, 'key')
    t.equal(store.stats().keys, 1)
    t.equal(store.stats().units, 0, 'a blocked window gives its ring back')
    clock.advance(HOUR - 0.001)
    t.equal(store.sweep(), 0)
    clock.advance(0.001)
    t.equal(store.sweep(), 1)
    t.match(store.stats(), { keys: 0, forgotten: 0 })
  })
}

test('of blocked keys the one whose block ends first makes room, with a warning', async (t) => {
  const list = emitted(t)
  const { clock, store, limiter } = storeOf(BUCKET, 3)
  for (const key of ['first', 'second', 'third']) {
    offend(limiter, key)
    clock.advance(1)
  }
  t.same(list, [])
  limiter.take('new')
  t.same(codes(list), ['W013'])
  t.equal(store.stats().forgotten, 1)
  t.match(limiter.peek('first'), { allowed: true, remaining: 2 })
  t.match(limiter.peek('second'), { blocked: true })
})

test('earlier blocks count as keys, only where they matter, and are the first to be forgotten', async (t) => {
  const { clock, store, limiter } = storeOf(GROWING, 3)
  t.equal(offend(limiter, 'key'), MINUTE)
  t.equal(store.stats().keys, 2)
  limiter.take('other')
  t.equal(store.stats().forgotten, 0)
  limiter.take('another')
  t.equal(store.stats().forgotten, 1)
  t.match(limiter.peek('key'), { blocked: true })
  t.match(limiter.peek('other'), { remaining: 1 })
  clock.advance(MINUTE)
  t.equal(offend(limiter, 'key'), MINUTE, 'a first block again')
})

test('a store frees earlier blocks that are forgotten', async (t) => {
  const { clock, store, limiter } = storeOf(GROWING, 10)
  offend(limiter, 'key')
  clock.advance(11 * MINUTE - 1)
  t.equal(store.sweep(), 1, 'the block')
  t.equal(store.sweep(), 0)
  clock.advance(1)
  t.equal(store.sweep(), 1)
})

test('the count of earlier blocks ends at 1023, and the longest block stays', async (t) => {
  const block = { for: 1, factor: 1.01, max: 200, forget: 'day' } as const
  const { clock, limiter } = storeOf({ ...BUCKET, block }, 10)
  let last = 0
  for (let i = 0; i < 1100; i++) {
    const length = offend(limiter, 'key')
    if (length < last) t.fail(`block ${i} is shorter than the one before`)
    last = length
    clock.advance(length)
  }
  t.equal(last, 200)
})

test('a store of one key blocks it, and forgets its earlier blocks for it', async (t) => {
  emitted(t)
  const { clock, limiter } = storeOf(GROWING, 1)
  for (let i = 0; i < 3; i++) {
    t.equal(offend(limiter, `key ${i}`), MINUTE)
    t.match(limiter.take(`key ${i}`), { blocked: true })
  }
  clock.advance(MINUTE)
  t.match(limiter.take('key 2'), { allowed: true })
})

test('a key of any law can be blocked, however many laws are in use', async (t) => {
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  const limiters = Array.from({ length: 1500 }, (_, i) =>
    createLimiter({ name: `law ${i}`, policies: [policyOf(i)] }, { store }),
  )
  for (const limiter of limiters) limiter.take('key')
  for (const limiter of limiters) limiter.block('key', 'minute')
  t.ok(limiters.every((limiter) => limiter.take('key').allowed === false))
  t.match(store.stats(), { keys: 1500, units: 0 })
  clock.advance(MINUTE)
  for (const [i, limiter] of limiters.entries()) {
    const { remaining, limit } = limiter.take('key')
    if (remaining !== limit - 1) t.fail(`law ${i}`)
  }
  t.equal(store.stats().keys, 1500)
})

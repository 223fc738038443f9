import { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { memoryStore } from '../../../lib/store/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { bytesInUse } from './bytes.js'

function windowOf(rate: number, maxKeys?: number) {
  const clock = new ManualClock()
  const store = memoryStore({ maxKeys, clock })
  const limiter = createLimiter(
    { name: 'tested', algorithm: 'sliding-window', rate, per: 'second' },
    { store },
  )
  return { clock, store, limiter }
}

test('a key keeps its units while its ring grows with them', async (t) => {
  const { clock, limiter } = windowOf(1000)
  const left: number[] = []
  for (let i = 0; i < 1000; i++) {
    left.push(limiter.take('key').remaining)
    clock.advance(0.5)
  }
  t.same(
    left,
    Array.from({ length: 1000 }, (_, i) => 999 - i),
  )
  // From then on a unit leaves each half of a millisecond, for half of each second.
  const told = { tooSoon: 0, onTime: 0 }
  for (let i = 0; i < 3000; i++) {
    if (i % 1000 === 0) clock.advance(i === 0 ? 499.999 : 500)
    if (!limiter.take('key').allowed) told.tooSoon++
    clock.advance(0.001)
    if (limiter.take('key').allowed) told.onTime++
    clock.advance(0.499)
  }
  t.same(told, { tooSoon: 3000, onTime: 3000 })
})

test('a ring is as large as what counts, not as what was ever spent', async (t) => {
  const { clock, store, limiter } = windowOf(1000)
  const round = () => {
    for (let key = 0; key < 2000; key++) limiter.take(`key ${key}`, { cost: 4 })
    clock.advance(1000)
  }
  for (let key = 0; key < 2000; key++) limiter.take(`key ${key}`, { cost: 0 })
  const before = await bytesInUse()
  for (let i = 0; i < 100; i++) round()
  const grown = (await bytesInUse()) - before
  t.equal(store.stats().keys, 2000)
  t.ok(grown < 2000 * 200, `${grown} bytes for 2,000 keys, of which never more than 4 units count`)
})

test('making room for a key of the window does not disturb it', async (t) => {
  const { clock, store, limiter } = windowOf(5, 2)
  for (let i = 0; i < 50; i++) {
    t.match(limiter.take(`key ${i}`, { cost: 1 + (i % 5) }), { allowed: true, remaining: 4 - (i % 5) })
    t.match(limiter.peek(`key ${i}`, { cost: 0 }), { remaining: 4 - (i % 5), resetAfter: 1000 })
    clock.advance(1)
  }
  t.match(store.stats(), { keys: 2, maxKeys: 2, forgotten: 48 })
})

test('a full window answers a denied key as its instants say, through turns, growth and refunds', async (t) => {
  const { clock, limiter } = windowOf(6)
  let instants: number[] = []
  let denied = 0
  for (let step = 0; step < 600; step++) {
    const now = clock.now()
    instants = instants.filter((instant) => instant + 1000 > now)
    const [oldest, second, newest] = [0, 1, -1].map((nth) => (instants.at(nth) ?? now) + 1000 - now)
    if (instants.length === 6) {
      denied++
      const full = { allowed: false, remaining: 0, resetAfter: newest }
      t.match(limiter.peek('key'), { ...full, retryAfter: oldest })
      t.match(limiter.take('key'), { ...full, retryAfter: oldest })
      t.match(limiter.take('key', { cost: 2 }), { ...full, retryAfter: second })
    } else if (limiter.take('key').allowed) instants.push(now)
    if (step % 23 === 0) {
      limiter.refund('key')
      instants.pop()
    }
    clock.advance(40 + (step % 3) * 30)
  }
  t.ok(denied > 100, `${denied} denied`)
})

test('a refund takes the newest units back, and those that left stay gone', async (t) => {
  const { clock, limiter } = windowOf(4)
  limiter.take('key', { cost: 2 })
  clock.advance(600)
  limiter.take('key', { cost: 2 })
  limiter.refund('key')
  t.match(limiter.take('key', { cost: 2 }), { allowed: false, retryAfter: 400 }, 'the oldest still count')
  clock.advance(400)
  limiter.refund('key', 2)
  t.match(limiter.peek('key', { cost: 0 }), { remaining: 4, resetAfter: 0 })
})

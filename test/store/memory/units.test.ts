import assert from 'node:assert/strict'
import fc from 'fast-check'
import t, { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { memoryStore } from '../../../lib/store/index.js'
import type { Limiter, SyncStore } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { bytesInUse } from './bytes.js'

t.setTimeout(180_000)

const MIB = 2 ** 20

function windowOf(rate: number, store: SyncStore, name = 'tested'): Limiter {
  return createLimiter({ name, algorithm: 'sliding-window', rate, per: 'minute' }, { store })
}

function used(limiter: Limiter, key: string): number {
  return limiter.policies[0].limit - limiter.peek(key, { cost: 0 }).remaining
}

test('maxUnits is refused where it is no size, and a rate that it has no room for', async (t) => {
  for (const maxUnits of [0, 63, 64.5, -1, Number.NaN, 2 ** 31 + 1, '100', null]) {
    t.throws(() => memoryStore({ maxUnits: maxUnits as never }), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'maxUnits' is .*; allowed: an integer from 64 to 2147483648$/,
    })
  }
  const store = memoryStore({ maxUnits: 96 })
  for (const rate of [0, 1, 64]) windowOf(rate, store)
  t.throws(() => windowOf(65, store), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'rate' is 65; allowed: at most 64 in a sliding window here; maxUnits: 192 has room for it$/,
  })
  windowOf(65, memoryStore({ maxUnits: 192 }))
  windowOf(1_000_000, memoryStore({ maxKeys: 1 }))
  t.equal(memoryStore({ maxKeys: 10_000_000 }).stats().maxUnits, 160_000_000, '16 for each key')
})

test('41 clients that ask for 1,000,000 units each take 128 MiB, and no units from small windows', async (t) => {
  const store = memoryStore({ clock: new ManualClock() })
  const small = windowOf(5, store, 'small')
  const large = windowOf(1_000_000, store, 'large')
  for (let i = 0; i < 10_000; i++) small.take(`key ${i}`)
  const before = await bytesInUse()
  for (let i = 0; i < 41; i++) t.equal(large.take(`key ${i}`, { cost: 1_000_000 }).remaining, 0)
  const grown = (await bytesInUse()) - before
  t.ok(grown < 129 * MIB, `${grown} bytes`)
  t.match(store.stats(), { keys: 10_015, forgotten: 26, units: 15 * 2 ** 20 + 40_000 })
  for (let i = 0; i < 10_000; i++) if (used(small, `key ${i}`) !== 1) t.fail(`lost key ${i}`)
  t.equal(used(large, 'key 40'), 1_000_000)
})

test('where all units are in use, expired windows go first, then those closest to unlimited, denied ones last', async (t) => {
  const clock = new ManualClock()
  const store = memoryStore({ clock, maxKeys: 50, maxUnits: 64 })
  const limiter = windowOf(16, store)
  const other = createLimiter({ name: 'bucket', rate: 10, per: 'hour' }, { store })
  other.take('never mind')
  limiter.take('expired', { cost: 16 })
  clock.advance(1000)
  limiter.take('denied', { cost: 9 })
  limiter.take('denied', { cost: 9 })
  limiter.take('little', { cost: 10 })
  limiter.take('much', { cost: 16 })
  t.match(store.stats(), { units: 64, forgotten: 0 })
  clock.advance(59_000)
  limiter.take('new', { cost: 11 })
  t.match(store.stats(), { units: 64, forgotten: 0 }, 'one had expired')
  limiter.take('newer', { cost: 12 })
  t.same(
    ['denied', 'little', 'much', 'new', 'newer'].map((key) => used(limiter, key)),
    [9, 0, 16, 11, 12],
  )
  limiter.take('newest', { cost: 13 })
  t.same(
    ['denied', 'much', 'new', 'newer', 'newest'].map((key) => used(limiter, key)),
    [9, 16, 0, 12, 13],
  )
  t.match(store.stats(), { units: 64, forgotten: 2, keys: 5 })
  t.equal(other.peek('never mind').remaining, 9, 'what has no units stays')
})

test('a window that grows keeps its units, whichever key must go for it', async (t) => {
  const store = memoryStore({ clock: new ManualClock(), maxUnits: 64, maxKeys: 1000 })
  const limiter = windowOf(32, store)
  for (let i = 0; i < 16; i++) limiter.take(`key ${i}`, { cost: 4 })
  for (let i = 1; i <= 32; i++) {
    t.equal(limiter.take('growing').remaining, 32 - i)
    t.ok((store.stats().units as number) <= 64)
  }
  t.match(limiter.take('growing'), { allowed: false, remaining: 0 })
  t.match(store.stats(), { units: 48, keys: 5, forgotten: 12 })
})

test('a window that shrinks where no unit is left stays as large as it is, and is as right', async (t) => {
  const clock = new ManualClock()
  const store = memoryStore({ clock, maxUnits: 64 })
  const limiter = windowOf(32, store)
  limiter.take('key', { cost: 32 })
  for (let i = 0; i < 8; i++) limiter.take(`key ${i}`, { cost: 4 })
  clock.advance(60_000)
  t.equal(limiter.take('key').remaining, 31)
  t.equal(store.stats().units, 64)
  limiter.reset('key 0')
  t.equal(limiter.take('key').remaining, 30)
  t.equal(store.stats().units, 32)
})

test('units in use never exceed maxUnits, what is kept is right, and what is forgotten is counted', async () => {
  const call = fc.record({
    advance: fc.constantFrom(0, 0, 0, 1, 5000, 20_000, 60_000),
    law: fc.nat(2),
    key: fc.nat(5),
    verb: fc.constantFrom('take', 'take', 'take', 'take', 'refund', 'reset'),
    cost: fc.nat(32),
  })
  const rates = [4, 16, 32]
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 60, size: 'max' }), (calls) => {
      const clock = new ManualClock()
      const store = memoryStore({ clock, maxKeys: 50, maxUnits: 64 })
      const roomy = memoryStore({ clock, maxKeys: 50 })
      const limiters = rates.map((rate) => windowOf(rate, store))
      const twins = rates.map((rate) => windowOf(rate, roomy))
      for (const { advance, law, key, verb, cost } of calls) {
        clock.advance(advance)
        const { forgotten } = store.stats()
        const name = `key ${key}`
        if (verb === 'take') {
          assert.deepEqual(limiters[law].take(name, { cost }), twins[law].take(name, { cost }))
        } else {
          limiters[law][verb as 'reset'](name)
          twins[law][verb as 'reset'](name)
        }
        let lost = 0
        for (const [i, limiter] of limiters.entries()) {
          for (let other = 0; other <= 5; other++) {
            const [kept, all] = [limiter, twins[i]].map((one) => used(one, `key ${other}`))
            if (kept === all) continue
            assert.equal(kept, 0)
            assert.ok(i !== law || other !== key)
            twins[i].reset(`key ${other}`)
            lost++
          }
        }
        assert.equal(store.stats().forgotten - forgotten, lost)
        assert.ok((store.stats().units as number) <= 64)
      }
    }),
    { numRuns: 500 },
  )
})

import { stopCoverage } from 'node:v8'
import t, { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { memoryStore } from '../../../lib/store/index.js'
import type { Limiter } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { bytesInUse } from './bytes.js'

// A slow machine may take its time: what is measured here is memory. The counters of coverage would double
// it, and every line that runs here is covered elsewhere.
t.setTimeout(180_000)
stopCoverage()

const MIB = 2 ** 20

test('a flood of 5,000,000 keys leaves memory bounded and every key that was being denied still denied', async (t) => {
  const clock = new ManualClock()
  const before = await bytesInUse()
  const store = memoryStore({ maxKeys: 100_000, clock })
  const limiters = [
    createLimiter({ name: 'burst 10', rate: 10, per: 'hour', burst: 10 }, { store }),
    createLimiter({ name: 'burst 1', rate: 10, per: 'hour', burst: 1 }, { store }),
    createLimiter({ name: 'window of 5', algorithm: 'sliding-window', rate: 5, per: 'hour' }, { store }),
  ]
  const victims = Array.from({ length: 100 }, (_, i) => `victim ${i}`)
  const denied = (limiter: Limiter) => victims.filter((victim) => !limiter.peek(victim).allowed).length
  for (const limiter of limiters) for (const victim of victims) while (limiter.take(victim).allowed);

  let most = 0
  for (let i = 0; i < 5_000_000; i++) {
    // Not one denied key speaks again, and all of them grow cooler than the newest keys of the flood.
    if (i % 100 === 0) clock.advance(1)
    limiters[i % 50 === 0 ? 2 : i % 2].take(`flood ${i}`)
    if (i % 10_000 === 0) most = Math.max(most, store.stats().keys)
  }

  const grown = (await bytesInUse()) - before
  t.ok(grown < 24 * MIB, `${grown} bytes for 100,000 keys, some of them with rings of 64 bytes`)
  t.ok(most <= 100_000, 'never more keys than allowed')
  t.equal(store.stats().keys, 100_000)
  t.equal(store.stats().forgotten, 5_000_000 + 300 - 100_000, 'every live key that went was counted')
  for (const limiter of limiters) t.equal(denied(limiter), 100, limiter.name)
})

test('a token-bucket key takes at most 32 bytes, with 1,000,000 of them tracked', async (t) => {
  const before = await bytesInUse()
  const store = memoryStore({ maxKeys: 1_000_000, clock: new ManualClock() })
  const limiter = createLimiter({ name: 'api' }, { store })
  for (let i = 0; i < 1_000_000; i++) limiter.take(`key ${i}`)
  const each = ((await bytesInUse()) - before) / 1_000_000
  t.equal(store.stats().keys, 1_000_000)
  t.equal(store.stats().forgotten, 0)
  t.ok(each <= 32, `${each} bytes a key`)
  t.equal(limiter.peek('key 0').remaining, 9, 'the first key is still there')
})

test('sliding-window keys that expired give their memory back', async (t) => {
  const clock = new ManualClock()
  const store = memoryStore({ maxKeys: 50_000, clock })
  const limiter = createLimiter(
    { name: 'exports', algorithm: 'sliding-window', rate: 100, per: 'minute' },
    { store },
  )
  limiter.take('first')
  store.sweep()
  const before = await bytesInUse()
  for (let i = 0; i < 50_000; i++) limiter.take(`key ${i}`, { cost: 20 })
  t.ok((await bytesInUse()) - before > 50_000 * 20 * 8, 'every unit is remembered while it counts')
  clock.advance(60_000)
  t.equal(store.sweep(), 50_000)
  const kept = (await bytesInUse()) - before
  t.ok(kept < 2 * MIB, `${kept} bytes kept`)
  t.equal(store.stats().keys, 0)
})

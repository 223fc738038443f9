import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { type Ring, slidingWindow, tokenBucket } from '../../lib/policy/index.js'
import { buckets } from './schedules.js'

test('a bucket has one unit more after renewAfter, and not one tick before', async () => {
  const spent = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(buckets(), fc.integer({ min: 0, max: 1e12 }), spent, ({ law }, now, share) => {
      const tat = now + Math.ceil(share * law.tolerance)
      const renew = tokenBucket.renewAfter(law, tat, now, tokenBucket.out(law, tat, now))
      const left = law.burst - tokenBucket.out(law, tat, now)
      if (tat <= now) return assert.equal(renew, 0)
      assert.equal(law.burst - tokenBucket.out(law, tat, now + renew), left + 1)
      assert.equal(law.burst - tokenBucket.out(law, tat, now + renew - 1), left)
    }),
  )
})

test('renewAfter of a full bucket is 0', async (t) => {
  const law = tokenBucket.tokenBucket(100, 60_000_000, 10)
  t.ok(law !== null && tokenBucket.renewAfter(law, 5, 5, tokenBucket.out(law, 5, 5)) === 0)
})

test('a window has more to spend after renewAfter, and not one microsecond before', async () => {
  const steps = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 100 }), fc.nat({ max: 120 }), (gaps, window, later) => {
      const law = { rate: 8, window }
      const ring: Ring = { slots: new Float64Array(8), base: 0, capacity: 8, start: 0, count: 0 }
      let now = 0
      for (const gap of gaps) {
        now += gap
        slidingWindow.charge(ring, now, 1)
      }
      now += later
      const used = slidingWindow.used(law, ring, now)
      const renew = slidingWindow.renewAfter(law, ring, now, used)
      if (used === 0) return assert.equal(renew, 0)
      assert.ok(slidingWindow.used(law, ring, now + renew) < used)
      assert.equal(slidingWindow.used(law, ring, now + renew - 1), used)
    }),
  )
})

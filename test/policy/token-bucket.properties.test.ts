import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { tokenBucket } from '../../lib/policy/index.js'
import { BucketKey } from '../fixtures/pure-key.js'
import { type BucketCase, buckets, type Called, play, prove, scaleOf, schedules } from './schedules.js'

/**
 * The most units that the law may admit in an interval of so many microseconds, including the burst. Exact.
 */
function most({ rate, per, burst }: BucketCase, elapsed: number): bigint {
  return BigInt(burst) + (BigInt(elapsed) * BigInt(rate)) / BigInt(per)
}

/**
 * The first interval between two admitted calls that admitted more than the law allows. `clock` gives the
 * time of each call.
 */
function overAdmitted(bucket: BucketCase, calls: readonly Called[], clock: (gap: number) => number) {
  let now = 0
  const admitted: { at: number; cost: number }[] = []
  for (const { gap, cost, answer } of calls) {
    now += clock(gap)
    if (answer?.allowed) admitted.push({ at: now, cost })
  }
  for (let first = 0; first < admitted.length; first++) {
    let sum = 0n
    for (let last = first; last < admitted.length; last++) {
      sum += BigInt(admitted[last].cost)
      const elapsed = admitted[last].at - admitted[first].at
      if (sum > most(bucket, elapsed)) return { sum, elapsed, most: most(bucket, elapsed) }
    }
  }
}

const anything = schedules(['take', 'take', 'take', 'peek', 'refund', 'reset'])

test('no interval admits more units than the burst and those that came back in it', async (t) => {
  prove(
    t,
    fc.property(buckets(), schedules(['take']), (bucket, moves) => {
      const calls = play(new BucketKey(bucket.law), moves, scaleOf(bucket))
      assert.equal(
        overAdmitted(bucket, calls, (gap) => gap),
        undefined,
      )
    }),
    400,
  )
})

test('a client that always asks gets all units, minus at most one per 100,000', async (t) => {
  // The client asks on whole microseconds only, so it is up to 1 us late for a unit. A unit takes 1 us or
  // more, so with a burst of 2 the bucket is not yet full, and being late costs nothing.
  prove(
    t,
    fc.property(buckets(2), fc.nat(1e6), (bucket, start) => {
      const { law, rate, per } = bucket
      // As many units as a double counts exactly in ticks.
      const units = bucket.burst + Math.min(120_000, Math.floor(2 ** 51 / law.interval))
      let [now, tat, admitted] = [start, 0, 0]
      for (;;) {
        const wait = tokenBucket.wait(law, tat, now * law.resolution, 1)
        if (wait === 0) {
          tat = tokenBucket.charge(law, tat, now * law.resolution, 1)
          admitted++
        } else if (admitted >= units) break
        else now += Math.ceil(wait / law.resolution)
      }
      const fair = most(bucket, now - start)
      assert.ok(BigInt(admitted) <= fair)
      const isExact = BigInt(law.interval) * BigInt(rate) === BigInt(per) * BigInt(law.resolution)
      const tolerated = isExact ? 0n : (fair + 99_999n) / 100_000n
      assert.ok(BigInt(admitted) >= fair - tolerated, `${admitted} of ${fair}`)
    }),
    25,
    [[bucketOf(999_983, 1e6, 2), 0]],
  )
})

test('a call after retryAfter is allowed, and a call just before is denied, in all units of time', async (t) => {
  prove(
    t,
    fc.property(buckets(), anything, (bucket, moves) => {
      const { law } = bucket
      const key = new BucketKey(law)
      play(key, moves, scaleOf(bucket), ({ now, cost, answer }) => {
        if (answer === undefined || answer.allowed) return
        const { wait, retryAfter } = answer
        assert.equal(wait === Infinity, cost > bucket.burst)
        if (wait === Infinity) return assert.equal(retryAfter, Infinity)
        const micros = Math.ceil(wait / law.resolution)
        const ticks = now * law.resolution
        assert.equal(tokenBucket.wait(law, key.tat, ticks + wait, cost), 0)
        assert.equal(tokenBucket.wait(law, key.tat, ticks + wait - 1, cost), 1)
        for (const [sooner, later] of [
          [micros - 1, micros],
          [(retryAfter - 1) * 1000, retryAfter * 1000],
        ]) {
          assert.ok(key.peek(now + later, cost).allowed)
          assert.ok(!key.peek(now + sooner, cost).allowed)
        }
      })
    }),
    200,
  )
})

const LONGEST_WAIT = 60e6

test('held calls go on in the order of arrival, and in no interval more than the law allows', async (t) => {
  prove(
    t,
    fc.property(buckets(1, LONGEST_WAIT), schedules(['take']), ({ law, rate, per, burst }, moves) => {
      const went: { at: number; cost: number }[] = []
      play(new BucketKey(law), moves, scaleOf({ rate, per, burst, law }), ({ now, cost, answer }) => {
        if (!answer?.allowed || cost === 0) return
        assert.ok(answer.held <= law.patience)
        const at = now * law.resolution + answer.held
        assert.ok(at >= (went.at(-1)?.at ?? 0), 'first come, first served')
        went.push({ at, cost })
        let units = 0
        for (const { at: from, cost } of went.toReversed()) {
          units += cost
          assert.ok(units <= burst + Math.floor((at - from) / law.interval))
        }
      })
    }),
    300,
  )
})

test('a call that would be held too long is denied, and held as long as possible after retryAfter', async (t) => {
  prove(
    t,
    fc.property(buckets(1, LONGEST_WAIT), anything, (bucket, moves) => {
      const { law } = bucket
      const key = new BucketKey(law)
      play(key, moves, scaleOf(bucket), ({ now, cost, answer }) => {
        if (answer === undefined || answer.allowed) return
        assert.equal(answer.wait === Infinity, cost > bucket.burst)
        if (answer.wait === Infinity) return
        const ticks = now * law.resolution
        assert.equal(tokenBucket.wait(law, key.tat, ticks + answer.wait, cost), law.patience)
        assert.equal(tokenBucket.wait(law, key.tat, ticks + answer.wait - 1, cost), law.patience + 1)
        const later = key.peek(now + answer.retryAfter * 1000, cost)
        assert.ok(later.allowed && later.held <= law.patience)
        assert.ok(!key.peek(now + (answer.retryAfter - 1) * 1000, cost).allowed)
      })
    }),
    200,
  )
})

test('what waiting calls give back is all there again, in whatever order they give up', async (t) => {
  const order = fc.array(fc.nat(), { maxLength: 40 })
  prove(
    t,
    fc.property(buckets(1, LONGEST_WAIT), order, fc.nat(1e6), ({ law, burst }, places, now) => {
      const ticks = now * law.resolution
      let tat = 0
      const charged: number[] = []
      while (charged.length < 40 && tokenBucket.wait(law, tat, ticks, 1) <= law.patience) {
        tat = tokenBucket.charge(law, tat, ticks, 1)
        charged.push(tat)
      }
      const out = charged.length
      const given = charged.splice(0, out).sort((a, b) => (places[a % 40] ?? 0) - (places[b % 40] ?? 0))
      for (const at of given) tat = tokenBucket.refund(law, tat, ticks, 1, at)
      assert.equal(law.burst - tokenBucket.out(law, tat, ticks), burst)
      assert.equal(tokenBucket.resetAfter(tat, ticks), 0)
    }),
    200,
  )
})

test('promised units are not left: remaining is never below 0, and a broken tat is healed', async (t) => {
  prove(
    t,
    fc.property(buckets(1, LONGEST_WAIT), anything, (bucket, moves) => {
      const { law, burst } = bucket
      const key = new BucketKey(law)
      play(key, moves, scaleOf(bucket), ({ now }) => {
        const { remaining } = key.peek(now, 0)
        assert.ok(remaining >= 0 && remaining <= burst)
        const ticks = now * law.resolution
        const renew = tokenBucket.renewAfter(law, key.tat, ticks, tokenBucket.out(law, key.tat, ticks))
        if (remaining === burst) return
        assert.equal(law.burst - tokenBucket.out(law, key.tat, ticks + renew), remaining + 1)
        assert.equal(law.burst - tokenBucket.out(law, key.tat, ticks + renew - 1), remaining)
        assert.equal(tokenBucket.heal(law, key.tat, ticks), key.tat)
      })
      assert.equal(tokenBucket.heal(law, Infinity, 5), 5 + law.tolerance + law.patience)
    }),
    200,
  )
})

test('a denial changes nothing: without it, every other call gets the same answer', async (t) => {
  prove(
    t,
    fc.property(buckets(), anything, (bucket, moves) => {
      const key = new BucketKey(bucket.law)
      const calls = play(key, moves, scaleOf(bucket))
      const spared = new BucketKey(bucket.law)
      for (const { verb, now, cost, answer } of calls) {
        if (verb === 'reset') spared.reset()
        else if (verb === 'refund') spared.refund(now, cost)
        else if (answer?.allowed) assert.deepEqual(spared[verb](now, cost), answer)
      }
      assert.equal(spared.tat, key.tat)
    }),
    200,
  )
})

test('a peek repeats the verdict of a take, and remaining is the largest cost that would pass', async (t) => {
  prove(
    t,
    fc.property(buckets(), anything, (bucket, moves) => {
      const key = new BucketKey(bucket.law)
      play(key, moves, scaleOf(bucket), ({ now, cost, answer }) => {
        const seen = key.peek(now, 0)
        const { remaining, resetAfter } = answer ?? seen
        assert.deepEqual([seen.remaining, seen.resetAfter], [remaining, resetAfter])
        assert.ok(key.peek(now, remaining).allowed)
        assert.ok(!key.peek(now, remaining + 1).allowed)
        if (answer?.allowed === false) assert.deepEqual(key.peek(now, cost), answer)
        assert.equal(key.peek(now + resetAfter * 1000, 0).remaining, bucket.burst)
        if (resetAfter > 0) assert.ok(key.peek(now + (resetAfter - 1) * 1000, 0).remaining < bucket.burst)
      })
    }),
    200,
  )
})

test('a refund gives back its cost and never exceeds the limit; right after a take it undoes the take', async (t) => {
  prove(
    t,
    fc.property(buckets(), anything, fc.nat(30_000), (bucket, moves, units) => {
      const key = new BucketKey(bucket.law)
      play(key, moves, scaleOf(bucket), ({ now, cost, answer }) => {
        const { remaining } = key.peek(now, 0)
        const owed = Math.max(0, key.tat - now * bucket.law.resolution)
        const twin = new BucketKey(bucket.law)
        twin.tat = key.tat
        twin.refund(now, units)
        assert.equal(twin.peek(now, 0).remaining, Math.min(bucket.burst, remaining + units))
        twin.tat = key.tat
        if (twin.take(now, cost).allowed) {
          twin.refund(now, cost)
          assert.equal(Math.max(0, twin.tat - now * bucket.law.resolution), owed)
        }
        assert.ok(answer === undefined || (answer.remaining >= 0 && answer.remaining <= bucket.burst))
      })
    }),
    200,
  )
})

test('a clock that steps back grants nothing, and delays a cost by at most the time that it takes to come back', async (t) => {
  prove(
    t,
    fc.property(buckets(), schedules(['take'], { back: true }), (bucket, moves) => {
      const { law } = bucket
      const key = new BucketKey(law)
      let remaining = bucket.burst
      const calls = play(key, moves, scaleOf(bucket), ({ gap, cost, answer }) => {
        if (answer === undefined) return
        if (gap <= 0) assert.ok(answer.remaining <= remaining, 'a step back gives nothing')
        if (!answer.allowed && cost <= bucket.burst) assert.ok(answer.wait <= cost * law.interval)
        assert.ok(answer.remaining >= 0)
        remaining = answer.remaining
      })
      // Only time that went forward counts.
      assert.equal(
        overAdmitted(bucket, calls, (gap) => Math.max(0, gap)),
        undefined,
      )
    }),
    400,
  )
})

function bucketOf(rate: number, per: number, burst: number): BucketCase {
  const law = tokenBucket.tokenBucket(rate, per, burst)
  if (law === null) throw new Error('no such bucket')
  return { rate, per, burst, law }
}

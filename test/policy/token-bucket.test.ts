import { test } from 'tap'
import { type TokenBucket, tokenBucket } from '../../lib/policy/index.js'
import { runCases } from './run-case.js'

const SECOND = 1e6
const DAY = 86_400e6

function bucketOf(rate: number, per: number, burst: number): TokenBucket {
  return tokenBucket.tokenBucket(rate, per, burst) as TokenBucket
}

test('the table of cases holds on the pure law', (t) => {
  runCases(t, 'B')
  t.end()
})

test('where the reduced rate fits the resolution, a unit takes exactly its time', async (t) => {
  for (const [rate, per, resolution, interval] of [
    [100, 60 * SECOND, 1, 600_000],
    [3, SECOND, 3, SECOND],
    [7, DAY, 7, DAY],
    [1_000_000, SECOND, 1, 1],
    [131_071, SECOND, 131_071, SECOND], // a prime, the largest that 2^17 holds
  ]) {
    t.match(bucketOf(rate, per, 2), { resolution, interval, tolerance: 2 * interval })
  }
})

test('where it does not fit, the interval is rounded up by less than 1 part in 100,000', async (t) => {
  for (const [rate, per] of [
    [131_101, SECOND],
    [999_983, SECOND],
    [999_999, SECOND],
    [2 ** 31 - 1, DAY],
  ]) {
    const { interval, resolution } = bucketOf(rate, per, 10)
    const excess = BigInt(interval) * BigInt(rate) - BigInt(per) * BigInt(resolution)
    t.ok(excess > 0n, `${rate} per ${per} is never faster than asked`)
    t.ok(excess * 100_000n < BigInt(per) * BigInt(resolution), `${rate} per ${per} is hardly slower`)
  }
})

test('a bucket that takes more than 71 years to fill is refused, and one just below is not', async (t) => {
  t.equal(tokenBucket.tokenBucket(1, DAY, 26_063), null, '2^51 microseconds are 26,062.4 days')
  t.match(bucketOf(1, DAY, 26_062), { resolution: 1, interval: DAY, tolerance: 26_062 * DAY })
  const { resolution, interval } = bucketOf(7, DAY, 100_000)
  t.match(
    { resolution, interval },
    { resolution: 1, interval: Math.ceil(DAY / 7) },
    'the resolution gives way',
  )
})

test('a tat that is too far ahead means a bucket that is empty now', async (t) => {
  const law = bucketOf(10, SECOND, 5)
  for (const tat of [law.tolerance + 1001, 1e15, Number.MAX_SAFE_INTEGER, Infinity]) {
    const healed = tokenBucket.heal(law, tat, 1000)
    t.equal(law.burst - tokenBucket.out(law, healed, 1000), 0)
    t.equal(tokenBucket.wait(law, healed, 1000, 5), law.tolerance)
  }
  t.equal(
    tokenBucket.heal(law, law.tolerance + 1000, 1000),
    law.tolerance + 1000,
    'a valid tat stays as it is',
  )
})

test('a cost of 0 never waits, whatever the state and the rate', async (t) => {
  for (const law of [bucketOf(10, SECOND, 5), bucketOf(0, SECOND, 5)]) {
    for (const tat of [0, 1000, 1e15]) t.equal(tokenBucket.wait(law, tat, 1000, 0), 0)
  }
})

test('a refund never exceeds the limit: the lowest tat is now', async (t) => {
  const law = bucketOf(10, SECOND, 5)
  const tat = tokenBucket.charge(law, 0, 1000, 3)
  t.equal(tokenBucket.refund(law, tat, 1000, 2, tat), 1000 + law.interval)
  for (const cost of [3, 4, Number.MAX_SAFE_INTEGER])
    t.equal(tokenBucket.refund(law, tat, 1000, cost, Number.POSITIVE_INFINITY), 1000)
})

test('each of 10,000,000 units passes at exactly its own microsecond', async (t) => {
  // With a burst of 2, a client that asks on whole microseconds never finds the bucket full.
  const law = bucketOf(7, SECOND, 2)
  let tat = tokenBucket.charge(law, 0, 0, 1)
  let wrong = 0
  for (let n = 0; n < 10_000_000; n++) {
    const now = Math.ceil((n * SECOND) / 7) * law.resolution
    if (tokenBucket.wait(law, tat, now, 1) !== 0) wrong++
    if (n > 0 && tokenBucket.wait(law, tat, now - law.resolution, 1) === 0) wrong++
    tat = tokenBucket.charge(law, tat, now, 1)
  }
  t.equal(wrong, 0)
})

import { test } from 'tap'
import { compilePolicy, type SlidingWindow, type TokenBucket } from '../../lib/policy/index.js'
import { newCharge } from '../../lib/store/charge.js'
import { blockedVerdict, bucketVerdict, windowVerdict } from '../../lib/store/verdict.js'
import type { Charge, PolicyOptions } from '../../types/index.js'

/** A charge whose last verdict was another one. */
function chargeOf(options: PolicyOptions): Charge {
  const charge = newCharge({ policy: compilePolicy(options, 'tested'), counters: null })
  return Object.assign(charge, { blocked: true, delay: 7, retryAfter: 9, remaining: -1 })
}

function lawOf<Law>({ bucket }: Charge): Law {
  return (bucket.policy as unknown as { law: Law }).law
}

/** A unit a second, ten at once. */
const HELD: PolicyOptions = { rate: 60, burst: 10, wait: '2 seconds' }
const MS = 1000

test('a call that waits for its units within the patience is allowed, with a delay rounded up', async (t) => {
  const charge = chargeOf(HELD)
  bucketVerdict(charge, lawOf<TokenBucket>(charge), 11_500 * MS + 1, 0, 500 * MS + 1)
  const expected = { allowed: true, delay: 501, retryAfter: 0, remaining: 0, blocked: false }
  t.match(charge, { ...expected, resetAfter: 11_501, renewAfter: 2501 })
  bucketVerdict(charge, lawOf<TokenBucket>(charge), 12_000 * MS, 0, 2000 * MS)
  t.match(charge, { allowed: true, delay: 2000, retryAfter: 0 }, 'just as long')
})

test('a denial says when the call would be held, and has no delay', async (t) => {
  const charge = chargeOf(HELD)
  bucketVerdict(charge, lawOf<TokenBucket>(charge), 12_000 * MS, 0, 2000 * MS + 1)
  t.match(charge, { allowed: false, delay: 0, retryAfter: 1, remaining: 0, blocked: false })
  bucketVerdict(charge, lawOf<TokenBucket>(charge), 0, 0, Number.POSITIVE_INFINITY)
  t.match(charge, { allowed: false, delay: 0, retryAfter: Number.POSITIVE_INFINITY, remaining: 10 })
})

test('a bucket without patience delays nobody', async (t) => {
  const charge = chargeOf({ rate: 60, burst: 10 })
  bucketVerdict(charge, lawOf<TokenBucket>(charge), 10_000 * MS, 0, 1000 * MS)
  t.match(charge, { allowed: false, delay: 0, retryAfter: 1000, blocked: false })
  bucketVerdict(charge, lawOf<TokenBucket>(charge), 0, 0, 0)
  t.match(charge, { allowed: true, delay: 0, retryAfter: 0, remaining: 10 })
})

test('nobody knows when work ends: a second is the convention for units in progress', async (t) => {
  const charge = chargeOf({ algorithm: 'concurrency', limit: 2, hold: 'hour' })
  const law = lawOf<SlidingWindow>(charge)
  const hour = 3_600_000 * MS
  windowVerdict(charge, law, 2, hour, hour, hour)
  t.match(charge, { allowed: false, remaining: 0, resetAfter: 1000, renewAfter: 1000, retryAfter: 1000 })
  windowVerdict(charge, law, 1, hour, hour, 0)
  t.match(charge, { allowed: true, remaining: 1, resetAfter: 1000, renewAfter: 1000, retryAfter: 0 })
  windowVerdict(charge, law, 0, 0, 0, 0)
  t.match(charge, { allowed: true, remaining: 2, resetAfter: 0, renewAfter: 0, retryAfter: 0 })
  windowVerdict(charge, law, 0, 0, 0, Number.POSITIVE_INFINITY)
  t.match(charge, { allowed: false, retryAfter: Number.POSITIVE_INFINITY }, 'a cost above the limit')
  t.match(charge, { delay: 0, blocked: false })
})

test('a blocked key has nothing left until its end, rounded up', async (t) => {
  const charge = chargeOf(HELD)
  blockedVerdict(charge, 5000 * MS + 1)
  const end = { resetAfter: 5001, renewAfter: 5001, retryAfter: 5001 }
  t.match(charge, { allowed: false, blocked: true, remaining: 0, delay: 0, ...end })
  bucketVerdict(charge, lawOf<TokenBucket>(charge), 0, 0, 0)
  t.match(charge, { allowed: true, blocked: false })
})

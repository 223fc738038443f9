import fc from 'fast-check'
import { test } from 'tap'
import { decide, isTighter, tightest } from '../../lib/limiter/charges.js'
import type { Verdict } from '../../lib/policy/index.js'
import { newCharge } from '../../lib/store/index.js'
import type { Bucket, Charge } from '../../types/index.js'

const open: Verdict = { allowed: true, remaining: 5, resetAfter: 1000, retryAfter: 0 }
const denied: Verdict = { allowed: false, remaining: 0, resetAfter: 1000, retryAfter: 500 }

function bucket(name: string, limit = 10): Bucket {
  const policy = {
    name,
    algorithm: 'token-bucket',
    rate: 1,
    per: 1000,
    limit,
    wait: 0,
    block: null,
    enforce: 1,
  } as const
  return { policy, counters: null }
}

function charge(name: string, verdict: Verdict): Charge {
  return { ...newCharge(bucket(name)), key: 'a', ...verdict }
}

test('tighter means denied, then the longer wait, then fewer units left, then the longer reset', async (t) => {
  const ordered: Verdict[] = [
    { ...denied, retryAfter: Number.POSITIVE_INFINITY, remaining: 9, resetAfter: 0 },
    { ...denied, retryAfter: 700, remaining: 9 },
    { ...denied, remaining: 0, resetAfter: 10 },
    { ...denied, remaining: 3, resetAfter: 90 },
    { ...denied, remaining: 3, resetAfter: 80 },
    { ...open, remaining: 0, resetAfter: 10 },
    { ...open, remaining: 4, resetAfter: 90 },
    { ...open, remaining: 4, resetAfter: 80 },
  ]
  for (const [i, tight] of ordered.entries()) {
    for (const [j, other] of ordered.entries()) t.equal(isTighter(tight, other), i < j, `${i} and ${j}`)
  }
})

const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.record({ remaining: fc.nat(3), resetAfter: fc.nat(3) }).map((v) => ({ ...open, ...v })),
  fc
    .record({ remaining: fc.nat(3), resetAfter: fc.nat(3), retryAfter: fc.integer({ min: 1, max: 3 }) })
    .map((v) => ({ ...denied, ...v })),
)

test('tightness is an order: the tightest of a list is the same in any order of the list', async (t) => {
  fc.assert(
    fc.property(fc.array(verdict, { minLength: 1, maxLength: 5 }), (verdicts) => {
      const charges = verdicts.map((v, i) => charge(`p${i}`, v))
      const forward = tightest(charges)
      const backward = tightest([...charges].reverse())
      return (
        !isTighter(forward, backward) &&
        !isTighter(backward, forward) &&
        charges.every((other) => !isTighter(other, forward))
      )
    }),
  )
  t.pass('over random lists of verdicts')
})

test('of equally tight policies, the first is the tightest', async (t) => {
  t.equal(tightest([charge('first', open), charge('second', open)]).bucket.policy.name, 'first')
})

test('the tightest policy gives the numbers, and a denial names every policy that denied, in their order', async (t) => {
  const roomy = charge('roomy', open)
  const daily = charge('daily', { ...denied, retryAfter: 9000 })
  const burst = charge('burst', denied)
  t.strictSame(decide([burst, roomy, daily]), {
    allowed: false,
    policy: 'daily',
    violated: ['burst', 'daily'],
    limit: 10,
    remaining: 0,
    resetAfter: 1000,
    retryAfter: 9000,
  })
  t.strictSame(decide([roomy, charge('tight', { ...open, remaining: 1 })]), {
    allowed: true,
    policy: 'tight',
    limit: 10,
    remaining: 1,
    resetAfter: 1000,
  })
})

test('an allowed decision has the longest delay of all policies, and none if there is none', async (t) => {
  const held = (name: string, delay: number) => charge(name, { ...open, delay })
  t.match(decide([held('a', 20), held('b', 50), held('c', 0)]), { allowed: true, policy: 'a', delay: 50 })
  t.match(decide([held('a', 7)]), { delay: 7 })
  t.notOk('delay' in decide([held('a', 0), held('b', 0)]))
  t.match(decide([held('a', 50), charge('b', denied)]), { allowed: false, policy: 'b', retryAfter: 500 })
  t.notOk('delay' in decide([held('a', 50), charge('b', denied)]), 'nobody waits for a denial')
})

test('a denial of a blocked key says so, with its source', async (t) => {
  const blocked = charge('a', { ...denied, blocked: true })
  t.match(decide([blocked]), { allowed: false, blocked: true, retryAfter: 500 })
  t.match(decide([blocked, charge('b', open)]), { blocked: true, violated: ['a'] })
  t.match(decide([{ ...blocked, source: 'local' }]), { blocked: true, source: 'local' })
  t.notOk('blocked' in decide([charge('a', denied)]))
})

test('a new charge asks for one unit and is allowed', async (t) => {
  const b = bucket('p')
  t.strictSame(newCharge(b), {
    bucket: b,
    key: '',
    cost: 1,
    allowed: true,
    remaining: 0,
    resetAfter: 0,
    renewAfter: 0,
    retryAfter: 0,
    delay: 0,
    blocked: false,
    first: false,
    chargedAt: Number.POSITIVE_INFINITY,
    source: 'store',
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseList } from 'structured-headers'
import { test } from 'tap'
import { limitItem, type PolicyFacts, policyItem } from '../../lib/http/draft-11.js'

const bucket: PolicyFacts = { name: 'default', algorithm: 'token-bucket', rate: 100, per: 60_000, limit: 10 }
const window: PolicyFacts = { name: 'login', algorithm: 'sliding-window', rate: 5, per: 900_000, limit: 5 }

/** One verdict. Durations are in ms. */
function verdict(allowed: boolean, remaining: number, renewAfter: number, retryAfter = 0) {
  return { allowed, remaining, renewAfter, retryAfter }
}

test('a policy states the units that can be spent at once, and the time in which they come back', async (t) => {
  t.equal(policyItem(bucket), '"default";q=10;w=6', '10 units at 100 a minute: 6 s')
  t.equal(policyItem(window), '"login";q=5;w=900')
  t.equal(policyItem({ ...bucket, rate: 3, per: 1000, limit: 1 }), '"default";q=1;w=1', 'rounded up')
  t.equal(
    policyItem({ ...bucket, rate: 0, limit: 0 }),
    '"default";q=0;w=60',
    'nothing comes back: its period',
  )
  t.equal(policyItem({ ...window, per: 0.001 }), '"login";q=5;w=1', 'never 0')
})

test('a limit states the units left, and the time until there are more', async (t) => {
  t.equal(limitItem(bucket, verdict(true, 9, 600)), '"default";r=9;t=1')
  t.equal(limitItem(bucket, verdict(true, 10, 0)), '"default";r=10;t=1', 'a full bucket: at least 1')
  t.equal(limitItem(window, verdict(true, 4, 120_001)), '"login";r=4;t=121')
  t.equal(limitItem(window, verdict(true, 5, 0)), '"login";r=5;t=900', 'an untouched window: all of it')
})

test('a denial states 0 units left, and the seconds of Retry-After', async (t) => {
  t.equal(limitItem(bucket, verdict(false, 0, 600, 600)), '"default";r=0;t=1')
  t.equal(
    limitItem(bucket, verdict(false, 3, 600, 2400)),
    '"default";r=0;t=3',
    'a cost larger than what is left',
  )
  t.equal(
    limitItem(bucket, verdict(false, 9, 600, Number.POSITIVE_INFINITY)),
    '"default";r=0',
    'never: no time',
  )
})

test('quotes and backslashes in a name are escaped', async (t) => {
  t.equal(policyItem({ ...bucket, name: 'a"b\\c' }), '"a\\"b\\\\c";q=10;w=6')
})

const facts = fc.record({
  name: fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
    minLength: 1,
  }),
  algorithm: fc.constantFrom('token-bucket' as const, 'sliding-window' as const),
  rate: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  per: fc.integer({ min: 1, max: 366 * 86_400_000 }),
  limit: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
})

test('a conforming parser reads back every policy', async () => {
  fc.assert(
    fc.property(facts, (policy) => {
      const [[name, parameters]] = parseList(policyItem(policy))
      assert.equal(name, policy.name)
      assert.deepEqual([...parameters.keys()], ['q', 'w'])
      assert.equal(parameters.get('q'), policy.limit)
      assert.ok((parameters.get('w') as number) > 0)
    }),
  )
})

test('a conforming parser reads back every limit', async () => {
  const duration = fc.integer({ min: 0, max: 2 ** 51 })
  fc.assert(
    fc.property(facts, fc.boolean(), fc.nat(), duration, duration, (policy, allowed, left, renew, retry) => {
      const [[name, parameters]] = parseList(limitItem(policy, verdict(allowed, left, renew, retry)))
      assert.equal(name, policy.name)
      assert.equal(parameters.get('r'), allowed ? left : 0)
      assert.ok(Number.isInteger(parameters.get('t')))
      if (!allowed) assert.equal(parameters.get('t'), Math.max(1, Math.ceil(retry / 1000)))
    }),
  )
})

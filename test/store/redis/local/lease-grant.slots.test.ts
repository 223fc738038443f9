import { test } from 'tap'
import { tokenBucket } from '../../../../lib/policy/index.js'
import { Grant } from '../../../../lib/store/redis/local/lease-grant.js'
import type { Reply } from '../../../../lib/store/redis/transport/reply.js'

const law = tokenBucket.tokenBucket(1000, 1_000_000, 100) as tokenBucket.TokenBucket
/** Microseconds, and ticks, of a slot. */
const SLOT = 1000
const reply = (now: number, sentAt: number) => ({ now, sentAt }) as Reply
/** Times of the server and of this process at which the grants of these tests were granted. */
const NOW = 5_000_000
const AT = 300

/** A grant of that many units, right above a take and what the bucket owed before it. */
const grantOf = (units: number) => new Grant(law, units, 1, 3 * SLOT, reply(NOW, AT))

test('units are spent slot by slot, until none is left', async (t) => {
  const grant = grantOf(3)
  t.equal(grant.units(AT), 3)
  t.equal(grant.spend(1, AT), NOW + 4 * SLOT)
  t.equal(grant.spend(3, AT), 0, 'there are two')
  t.equal(grant.spend(2, AT), NOW + 6 * SLOT)
  t.equal(grant.units(AT), 0)
  t.equal(grant.mark, NOW + 6 * SLOT)
})

test('a slot that has begun is not spent: the next unit begins at once, and nothing else of the grant is lost', async (t) => {
  const grant = grantOf(3)
  t.equal(grant.units(AT + 3 * SLOT), 3)
  t.equal(grant.units(AT + 3 * SLOT + 1), 2)
  t.equal(grant.spend(1, AT + 4.5 * SLOT), NOW + 5.5 * SLOT)
  t.equal(grant.spend(1, AT + 4.5 * SLOT), 0, 'half a slot is left')
  t.equal(grant.unused(AT + 4.5 * SLOT), SLOT / 2)
  t.equal(grant.units(AT + 100 * SLOT), 0)
})

test('a unit that comes back is spent first, in its own slot, unless that has begun', async (t) => {
  const grant = grantOf(10)
  const instants = Array.from({ length: 9 }, () => grant.spend(1, AT))
  for (const slot of [2, 4, 6, 7]) grant.giveBack(1, instants[slot])
  t.equal(grant.units(AT), 5)
  t.equal(grant.spend(2, AT), instants[7], 'two that follow each other')
  t.equal(grant.spend(2, AT), 0, 'no other two do')
  t.equal(grant.units(AT + 5 * SLOT), 3)
  t.equal(grant.spend(1, AT + 5 * SLOT + 1), instants[4], 'the first of them has begun')
  t.equal(grant.spend(1, AT + 5 * SLOT + 1), NOW + 13 * SLOT)
  t.equal(grant.units(AT), 0)
})

test('units that come back in the order in which they were spent last leave no gap', async (t) => {
  const grant = grantOf(4)
  const [first, second, third] = [1, 2, 3].map(() => grant.spend(1, AT))
  for (const at of [second, third, third, second]) grant.giveBack(1, at)
  t.equal(grant.units(AT), 3)
  t.equal(grant.spend(3, AT), NOW + 7 * SLOT)
  t.ok(grant.has(first))
  t.ok(grant.has(NOW + 3 * SLOT), 'the take that was charged with it is its own')
  t.notOk(grant.has(NOW + 2 * SLOT))
  t.ok(grant.has(NOW + 7 * SLOT))
  t.notOk(grant.has(NOW + 8 * SLOT))
  t.notOk(grant.has(Number.POSITIVE_INFINITY))
})

test('what is cut off may be put back, and counts as buried then', async (t) => {
  const grant = grantOf(4)
  grant.spend(1, AT)
  t.equal(grant.cut(), 3 * SLOT)
  t.equal(grant.units(AT), 0)
  t.equal(grant.cut(), 0)
  t.notOk(grant.isBuried)
  grant.restore(3 * SLOT)
  t.equal(grant.units(AT), 3)
  t.ok(grant.isBuried)
})

test('a grant takes in another that begins where it ends, and goes by its clocks', async (t) => {
  const later = (owed: number, takes: number) => new Grant(law, 2, takes, owed, reply(NOW + 1000, AT + 1100))
  const grant = grantOf(2)
  grant.spend(1, AT)
  t.notOk(grant.join(later(5 * SLOT, 0)), 'something lies between')
  t.notOk(grant.join(later(5 * SLOT, 1)), 'a take does')
  t.ok(grant.join(later(4 * SLOT, 0)))
  t.equal(grant.units(AT), 3)
  t.equal(grant.mark, NOW + 7 * SLOT)
  t.equal(grant.spend(3, AT), NOW + 7 * SLOT)
})

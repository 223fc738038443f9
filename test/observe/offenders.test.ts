import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { test } from 'tap'
import { keyId } from '../../lib/observe/key-id.js'
import { byDenials, Offenders, showKey } from '../../lib/observe/offenders.js'
import { dateOf } from '../../lib/store/index.js'
import type { Offender } from '../../types/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { prove } from '../policy/schedules.js'

const HOUR = 3600e3
const KINDS = ['denied', 'blocked', 'shadowDenied'] as const
type Kind = (typeof KINDS)[number]

function offendersOf(size: number) {
  const clock = new ManualClock(1e12)
  const settings = { size, per: HOUR, show: (key: string) => key, now: () => clock.now(), dateOf }
  return { clock, offenders: new Offenders('login', settings) }
}

function worstFirst(offenders: Offenders): Offender[] {
  return offenders
    .tallies()
    .sort(byDenials)
    .map((tally) => offenders.shown(tally))
}

function sum({ denied, blocked, shadowDenied }: Pick<Offender, Kind>): number {
  return denied + blocked + shadowDenied
}

const denials = fc.array(
  fc.record({
    // A few keys come often.
    key: fc.oneof(fc.nat(3), fc.nat(30)).map((n) => `key-${n}`),
    kind: fc.constantFrom(...KINDS),
  }),
  { maxLength: 400 },
)

test('counts are at most the truth, and at least the truth less the error; frequent keys are all there', async (t) => {
  const law = fc.property(denials, fc.integer({ min: 1, max: 12 }), fc.nat(400), (denials, size, turnAt) => {
    const { clock, offenders } = offendersOf(size)
    // The period ends at one of the denials, or after all of them.
    clock.advance(HOUR - turnAt)
    const truth = new Map<string, Record<Kind, number>>()
    for (const { key, kind } of denials) {
      offenders.add(key, kind)
      const counts = truth.get(key) ?? { denied: 0, blocked: 0, shadowDenied: 0 }
      truth.set(key, { ...counts, [kind]: counts[kind] + 1 })
      clock.advance(1)
    }
    const list = worstFirst(offenders)
    const bound = denials.length / size
    for (const offender of list) {
      const real = truth.get(offender.key) as Record<Kind, number>
      for (const kind of KINDS) assert.ok(offender[kind] <= real[kind])
      assert.ok(sum(offender) + offender.error >= sum(real))
      assert.ok(offender.error <= bound)
    }
    const listed = list.map(({ key }) => key)
    for (const [key, real] of truth) if (sum(real) > bound) assert.ok(listed.includes(key), key)
    assert.ok(list.length <= 2 * size)
    assert.deepEqual(list, [...list].sort(byDenials))
  })
  prove(t, law, 1000)
})

/** Keys as often as Zipf's law says, 200,000 denials in all, in an order that the seed decides. */
function zipf(exponent: number, seed: number) {
  const weights = Array.from({ length: 10_000 }, (_, i) => (i + 1) ** -exponent)
  const all = weights.reduce((sum, weight) => sum + weight)
  const counts = weights.map((weight) => Math.round((200_000 * weight) / all))
  const keys = counts.flatMap((count, i) => new Array<string>(count).fill(`key-${i}`))
  let state = seed
  for (let i = keys.length - 1; i > 0; i--) {
    state = (state * 48271) % 2147483647
    const j = state % (i + 1)
    ;[keys[i], keys[j]] = [keys[j], keys[i]]
  }
  return { counts, keys }
}

const seeds = fc.integer({ min: 1, max: 2147483646 })

test('the worst ten of a Zipf load are the true worst ten, where the tenth is ahead by more than the bound', async (t) => {
  const law = fc.property(seeds, (seed) => {
    const { counts, keys } = zipf(1.2, seed)
    const { offenders } = offendersOf(1000)
    for (const key of keys) offenders.add(key, 'denied')
    assert.ok(counts[9] - counts[10] > keys.length / 1000, 'the tenth is ahead')
    const worst = worstFirst(offenders).slice(0, 10)
    assert.deepEqual(
      new Set(worst.map(({ key }) => key)),
      new Set(counts.slice(0, 10).map((_, i) => `key-${i}`)),
    )
  })
  prove(t, law, 10)
})

test('of 100 places, the worst ten of a Zipf load are at most the error away from the true worst ten', async (t) => {
  const law = fc.property(seeds, (seed) => {
    const { counts, keys } = zipf(1, seed)
    const { offenders } = offendersOf(100)
    for (const key of keys) offenders.add(key, 'denied')
    for (const { key } of worstFirst(offenders).slice(0, 10))
      assert.ok(counts[Number(key.slice(4))] >= counts[9] - keys.length / 100, key)
  })
  prove(t, law, 10)
})

test('a key is remembered until its last denial is a period ago', async (t) => {
  const { clock, offenders } = offendersOf(10)
  const first = new Date(clock.now())
  offenders.add('a', 'denied')
  clock.advance(HOUR - 1)
  offenders.add('b', 'blocked')
  t.strictSame(
    worstFirst(offenders).map(({ key }) => key),
    ['b', 'a'],
    'of equal ones the latest comes first',
  )
  clock.advance(1)
  t.strictSame(
    worstFirst(offenders).map(({ key }) => key),
    ['b'],
  )

  offenders.add('a', 'shadowDenied')
  t.strictSame(
    worstFirst(offenders)[0],
    {
      limiter: 'login',
      id: keyId('login', 'a'),
      key: 'a',
      denied: 1,
      blocked: 0,
      shadowDenied: 1,
      error: 0,
      first,
      last: new Date(clock.now()),
    },
    'the counts of the period before still count',
  )
  clock.advance(2 * HOUR)
  t.strictSame(worstFirst(offenders), [])
  clock.advance(HOUR - 1)
  offenders.add('a', 'denied')
  t.match(worstFirst(offenders), [{ key: 'a', denied: 1, shadowDenied: 0 }])
})

test('an id stands for a key of one limiter as long as the key is remembered', async (t) => {
  const { clock, offenders } = offendersOf(10)
  for (const key of ['a', 'b']) offenders.add(key, 'denied')
  const { id } = worstFirst(offenders).find(({ key }) => key === 'b') as Offender
  t.match(id, /^[0-9a-f]{16}$/)
  t.equal(offenders.keyOf(id), 'b')
  t.equal(offenders.keyOf(keyId('login', 'c')), null, 'nobody denied it')
  t.not(keyId('search', 'b'), id, 'another limiter')
  t.not(keyId('logi', 'nb'), keyId('login', 'b'))
  clock.advance(HOUR)
  t.equal(offenders.keyOf(id), 'b', 'in the period before')
  clock.advance(2 * HOUR)
  t.equal(offenders.keyOf(id), null)
})

test('a clock that is set back or ahead forgets at most what is known', async (t) => {
  const { clock, offenders } = offendersOf(10)
  offenders.add('a', 'denied')
  clock.advance(-1000 * HOUR)
  offenders.add('b', 'denied')
  t.strictSame(
    worstFirst(offenders)
      .map(({ key }) => key)
      .sort(),
    ['a', 'b'],
  )
  clock.advance(HOUR)
  offenders.add('c', 'denied')
  t.strictSame(
    worstFirst(offenders).map(({ key }) => key),
    ['c'],
    'periods go on',
  )
  clock.advance(1000 * HOUR)
  t.strictSame(worstFirst(offenders), [])
})

test('an IP is shown as it is, and of any other key its start and a part of its digest', async (t) => {
  const ips = ['203.0.113.7', '2001:db8:1:2::/64', '64:ff9b:1::1/128', '::1']
  t.strictSame(ips.map(showKey), ips)
  const digest = (key: string) => createHash('sha256').update(key).digest('hex').slice(0, 8)
  for (const [key, start] of [
    ['demo-key-1', 'demo'],
    ['ab', 'ab'],
    ['203.0.113.7/etc', '203.'],
    ['203.0.113.777', '203.'],
    ['🦊🦊🦊🦊🦊', '🦊🦊🦊🦊'],
    ['a🦊bcd', 'a🦊bc'],
  ])
    t.equal(showKey(key), `${start}…${digest(key)}`, key)
  t.not(showKey('demo-key-1'), showKey('demo-key-2'))
})

test('`show` decides what stands for a key', async (t) => {
  const show = (key: string, limiter: string) => `${limiter} of ${key.split('@')[1]}`
  const offenders = new Offenders('login', { size: 1, per: HOUR, show, now: () => 0, dateOf })
  offenders.add('ann@example.com', 'denied')
  t.equal(worstFirst(offenders)[0].key, 'login of example.com')
})

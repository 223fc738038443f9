import { test } from 'tap'
import { zero } from '../../../lib/console/page/rates.js'
import { keysWithMost, nearShare, read } from '../../../lib/console/page/reading.js'
import type { ConsoleOffender, ConsoleState } from '../../../types/console.js'

const offender = (denied: number, id = 'a'): ConsoleOffender => {
  const at = '2026-11-27T11:00:00Z'
  return {
    limiter: 'default',
    id,
    key: id,
    denied,
    shadowDenied: 0,
    blocked: 0,
    error: 0,
    first: at,
    last: at,
  }
}

/** What the page says, of a minute with 1,000 decisions. */
function reading({
  denied = 0,
  shadowDenied = 0,
  decisions = 1000,
  offenders = [] as ConsoleOffender[] | null,
  nearLimit = 0,
  store = 'up',
}) {
  const minute = { ...zero(), allowed: decisions - denied - shadowDenied, denied, shadowDenied }
  const policy = { ...zero(), allowed: 100, nearLimit, limit: 20 }
  const limiters = [
    {
      name: 'default',
      policies: [{ ...policy, nearLimit: 0 }, policy, { ...policy, nearLimit: 99, limit: 1 }],
    },
    { name: 'quiet', policies: [{ ...policy, nearLimit: 0 }] },
  ]
  return read(minute, minute, { limiters, offenders, store: { state: store } } as unknown as ConsoleState)
}

test('without denials all is calm', async (t) => {
  t.match(reading({ decisions: 0 }), {
    level: 'quiet',
    headline: 'No decisions in the last minute.',
    facts: [],
  })
  t.match(reading({}), { level: 'calm', headline: 'Calm. Nobody is denied.' })
  t.match(reading({ denied: 4 }), { level: 'calm', headline: 'Calm. Hardly anybody is denied.' })
  t.same(reading({ denied: 4, nearLimit: 41 }).facts, [
    '0.4% denied in the last minute; 0.4% in 15 minutes',
    '41% of what default allows is near the limit',
  ])
})

test('a few keys with most denials are an attack, or clients gone wrong', async (t) => {
  const one = reading({ denied: 300, offenders: [offender(9000), offender(10)] })
  t.match(one, { level: 'few', headline: /^One client causes most denials/ })
  t.match(one.facts, ['30% denied in the last minute; 30% in 15 minutes', /one client has >99%$/])
  const few = reading({ denied: 300, offenders: [offender(100), offender(90), offender(10)] })
  t.match(few, { level: 'few', headline: /^A few clients cause most denials/ })
  t.match(few.facts[1], '2 clients of 3 have 80% of the known denials, the worst 50%')
})

test('many keys with few denials each are a limit that may be too low, where many come close', async (t) => {
  const offenders = Array.from({ length: 60 }, (_, i) => offender(10, `${i}`))
  t.match(reading({ denied: 100, offenders, nearLimit: 41 }), {
    level: 'many',
    headline: /the limit may be too low/,
  })
  t.match(reading({ denied: 100, offenders, nearLimit: 3 }), {
    level: 'many',
    headline: /many attackers, or/,
  })
  t.match(reading({ denied: 100, offenders: offenders.slice(0, 10) }), { level: 'mixed' })
})

test('who it is stays open where nobody keeps offenders', async (t) => {
  for (const offenders of [null, []])
    t.match(reading({ denied: 100, offenders }), {
      level: 'unknown',
      headline: '10% of the decisions are denials.',
    })
})

test('denials of shadows are named', async (t) => {
  t.match(reading({ shadowDenied: 100 }).facts[0], '10% denied in the last minute, most of them by shadows')
})

test('a store that is down comes first', async (t) => {
  const { level, headline, facts } = reading({ store: 'down' })
  t.same([level, headline, facts[0]], ['down', 'The store is down.', 'Calm. Nobody is denied.'])
})

test('an app without limiters has a reading, too', async (t) => {
  const minute = { ...zero(), allowed: 10 }
  const state = { limiters: [], offenders: null, store: { state: 'up' } } as unknown as ConsoleState
  t.match(read(minute, minute, state), { level: 'calm' })
})

test('the keys that matter are those with four fifths', async (t) => {
  t.equal(keysWithMost([10, 800, 190].map((denied) => offender(denied))), 1)
  t.equal(keysWithMost(Array.from({ length: 10 }, () => offender(1))), 8)
  t.equal(nearShare({ allowed: 0, delayed: 0, nearLimit: 0, limit: 20 }), 0)
  t.equal(nearShare({ allowed: 9, delayed: 0, nearLimit: 9, limit: 4 }), null, 'of a small limit')
  t.equal(nearShare({ allowed: 60, delayed: 40, nearLimit: 22, limit: 20 }), 0.22)
})

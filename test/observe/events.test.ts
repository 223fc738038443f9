import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Test, test } from 'tap'
import { createLimiter, type DecisionEvent } from '../../lib/index.js'
import { conclude, PolicyCounters } from '../../lib/observe/index.js'
import { compilePolicy } from '../../lib/policy/index.js'
import { newCharge } from '../../lib/store/index.js'
import { ask, frozenStore, limited, ok, only, user } from '../plugin/support/app.js'

const NAME = 'fastify-floodgate:decision'

/** The events of a test, until it ends. */
function heard(t: Test): DecisionEvent[] {
  const events: DecisionEvent[] = []
  const listener = (event: unknown) => void events.push(event as DecisionEvent)
  subscribe(NAME, listener)
  t.teardown(() => unsubscribe(NAME, listener))
  return events
}

test('a limiter publishes its decisions, one for each policy that allows', async (t) => {
  const events = heard(t)
  const policies = [
    { name: 'minute', rate: 2, burst: 2 },
    { name: 'day', rate: 9, per: 'day' as const, burst: 9 },
  ]
  const limiter = createLimiter({ name: 'mails', policies }, { store: frozenStore() })
  limiter.take('user:1', { cost: 2 })
  limiter.take('user:1')
  limiter.peek('user:1')
  t.match(events, [
    { limiter: 'mails', policy: 'minute', outcome: 'allowed', key: 'user:1', cost: 2 },
    { limiter: 'mails', policy: 'day', outcome: 'allowed', key: 'user:1', cost: 2 },
    { limiter: 'mails', policy: 'minute', outcome: 'denied', key: 'user:1', cost: 1 },
  ])
  t.equal(events.length, 3, 'a peek is no decision, and a denial that of who made it')
  t.same(
    events.map(({ decision }) => decision),
    [
      { allowed: true, policy: 'minute', limit: 2, remaining: 0, resetAfter: 60_000 },
      { allowed: true, policy: 'day', limit: 9, remaining: 7, resetAfter: 19_200_000 },
      {
        allowed: false,
        policy: 'minute',
        violated: ['minute'],
        limit: 2,
        remaining: 0,
        resetAfter: 60_000,
        retryAfter: 30_000,
      },
    ],
  )
  t.notOk('request' in events[0])
})

test('a request is in the events of its decisions, and of what its handler takes', async (t) => {
  const events = heard(t)
  const app = await limited({ ...only(9), key: 'user', keys: { user }, guard: only(2) })
  app.get('/:id', async (request) => {
    await request.rateLimit?.take(2)
    return 'ok'
  })
  await ask(app, 'GET /1', 'GET /2', 'GET /3')
  t.same(
    events.map(({ limiter, outcome, key, cost, request }) => [limiter, outcome, key, cost, request?.url]),
    [
      ['guard', 'allowed', '127.0.0.1', 1, '/1'],
      ['default', 'allowed', 'nobody', 1, '/1'],
      ['default', 'allowed', 'nobody', 2, '/1'],
      ['guard', 'allowed', '127.0.0.1', 1, '/2'],
      ['default', 'allowed', 'nobody', 1, '/2'],
      ['default', 'allowed', 'nobody', 2, '/2'],
      ['guard', 'denied', '127.0.0.1', 1, '/3'],
    ],
  )
})

test('blocks and delays have outcomes of their own, and a request without a place to wait is denied once', async (t) => {
  const events = heard(t)
  const app = await limited({
    maxWaiting: 1,
    limiters: {
      strict: { ...only(1), block: '1 hour' },
      slow: { rate: 50, per: 'second', burst: 1, wait: '1 second' },
    },
  })
  app.get('/strict', { config: { rateLimit: 'strict' } }, ok)
  app.get('/slow', { config: { rateLimit: 'slow' } }, ok)
  await ask(app, 'GET /strict', 'GET /strict')
  await Promise.all([app.inject('/slow'), app.inject('/slow'), app.inject('/slow')])
  t.same(
    events.map(({ outcome }) => outcome),
    ['allowed', 'blocked', 'allowed', 'delayed', 'denied'],
  )
  t.match(events[3].decision, { allowed: true, delay: 20 })
  t.match(events[4].decision, { allowed: false, retryAfter: 40 })
})

test('nothing is built where nobody subscribes', async (t) => {
  t.notOk(channel(NAME).hasSubscribers)
  const policy = compilePolicy({}, 'tested')
  const bucket = { policy, counters: new PolicyCounters('tested', policy) }
  let reads = 0
  const charge = Object.defineProperty(newCharge(bucket), 'request', { get: () => void reads++ })
  conclude([charge], true)
  conclude([Object.assign(charge, { allowed: false })], false)
  t.equal(reads, 0)
  const events = heard(t)
  conclude([charge], false)
  t.equal(reads, 1)
  t.match(events, [{ limiter: 'tested', outcome: 'denied' }])
})

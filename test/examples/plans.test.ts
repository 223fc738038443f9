import { type Test, test } from 'tap'
import { buildApp } from '../../examples/plans/app.js'
import { memoryStore } from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { emitted } from '../plugin/support/warnings.js'
import { startServer } from './child.js'

const OPERATOR = 'open-sesame'

async function start(t: Test) {
  const warnings = emitted(t)
  const clock = new ManualClock()
  const app = await buildApp(OPERATOR, memoryStore({ clock }))
  t.teardown(() => app.close())
  const get = (user: string) =>
    app.inject({ url: '/report', headers: { authorization: `Bearer token-of-${user}` } })
  const set = async (plan: string, payload: object, token = OPERATOR) =>
    (
      await app.inject({
        method: 'PUT',
        url: `/plans/${plan}`,
        payload,
        headers: { authorization: `Bearer ${token}` },
      })
    ).statusCode
  /** How many of `count` requests are admitted. The first ones must be. */
  const admitted = async (user: string, count: number) => {
    const answers = []
    for (let i = 0; i < count; i++) answers.push((await get(user)).statusCode)
    const allowed = answers.filter((status) => status === 200).length
    t.same(answers, [...Array(allowed).fill(200), ...Array(count - allowed).fill(429)])
    return allowed
  }
  return { app, clock, warnings, get, set, admitted }
}

test('each user has the limit of the plan in the table, by himself', async (t) => {
  const { admitted, warnings } = await start(t)
  t.equal(await admitted('ada', 10), 3)
  t.equal(await admitted('bob', 10), 3)
  t.equal(await admitted('eve', 30), 20)
  t.equal(await admitted('zoe', 100), 100)
  t.same(warnings, [])
})

test('a row that changes while the app runs holds from the next request on', async (t) => {
  const { clock, set, get, admitted } = await start(t)
  t.equal(await admitted('ada', 10), 3)
  t.equal(await set('free', { rate: 30, burst: 5 }), 204)
  t.equal(await admitted('ada', 10), 5)
  t.match((await get('ada')).headers, { 'x-ratelimit-limit': '5', 'retry-after': '2' })
  t.equal(await set('free', { rate: 10, burst: 3 }), 204)
  t.equal(await admitted('ada', 1), 0, 'a row that comes back finds what was spent under it')
  clock.advance(60_000)
  t.equal(await set('free', { rate: null, burst: 1 }), 204)
  t.equal(await admitted('ada', 50), 50)
})

test('a limit that changes a thousand times is no burden', async (t) => {
  const { clock, set, admitted } = await start(t)
  for (let burst = 1; burst <= 1000; burst++) {
    clock.advance(3000)
    t.equal(await set('free', { rate: 1000, burst }), 204)
    t.equal(await admitted('ada', 1), 1)
  }
})

test('only an operator changes plans, to values that a limit may have', async (t) => {
  const { set, admitted } = await start(t)
  t.equal(await set('free', { rate: 1000, burst: 1000 }, 'guess'), 403)
  for (const plan of [{}, { rate: -1, burst: 1 }, { rate: 1, burst: 0 }, { rate: 1.5, burst: 1 }])
    t.equal(await set('free', plan), 400)
  t.equal(await admitted('ada', 10), 3)
})

test('who is not authenticated gets 401, and counts only for the guard', async (t) => {
  const { get } = await start(t)
  const answer = await get('mallory')
  t.equal(answer.statusCode, 401)
  t.equal(answer.headers['x-ratelimit-limit'], '500')
})

test('the server of the example runs', async (t) => {
  const env = { OPERATOR_TOKEN: OPERATOR }
  const { child, address } = await startServer(t, 'examples/plans/server.ts', env)
  const ask = () => fetch(`${address}/report`, { headers: { authorization: 'Bearer token-of-ada' } })
  t.equal((await ask()).headers.get('x-ratelimit-remaining'), '2')
  const changed = await fetch(`${address}/plans/free`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${OPERATOR}`, 'content-type': 'application/json' },
    body: JSON.stringify({ rate: 10, burst: 5 }),
  })
  t.equal(changed.status, 204)
  t.equal((await ask()).headers.get('x-ratelimit-remaining'), '4')
  t.equal(child.stderr, '')
})

import { type Test, test } from 'tap'
import { buildApp } from '../../examples/jwt/app.js'
import { memoryStore } from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { emitted } from '../plugin/support/warnings.js'
import { startServer } from './child.js'

async function start(t: Test) {
  const warnings = emitted(t)
  const clock = new ManualClock()
  const app = await buildApp(memoryStore({ clock }))
  t.teardown(() => app.close())
  const login = async (name: string, remoteAddress = '192.0.2.1') =>
    app.inject({ method: 'POST', url: '/login', payload: { name }, remoteAddress })
  const tokenOf = async (name: string) => (await login(name)).json<{ token: string }>().token
  const get = (token: string, method: 'GET' | 'POST' = 'GET') =>
    app.inject({ method, url: '/notes', headers: { authorization: `Bearer ${token}` } })
  /** How many of `count` requests are admitted. The first ones must be. */
  const admitted = async (token: string, count: number) => {
    const answers = []
    for (let i = 0; i < count; i++) answers.push((await get(token)).statusCode)
    const allowed = answers.filter((status) => status === 200).length
    t.same(answers, [...Array(allowed).fill(200), ...Array(count - allowed).fill(429)])
    return allowed
  }
  return { app, clock, warnings, login, tokenOf, get, admitted }
}

test('users whom preHandler authenticates are limited apart, by the plan in their tokens', async (t) => {
  const { tokenOf, get, admitted, warnings } = await start(t)
  const [ada, bob, eve] = [await tokenOf('ada'), await tokenOf('bob'), await tokenOf('eve')]
  t.equal(await admitted(ada, 10), 3, 'free')
  t.equal(await admitted(eve, 30), 20, 'pro')
  t.same((await get(bob)).json(), { notes: 'of bob' })
  t.equal(
    (await get(bob, 'POST')).headers['x-ratelimit-remaining'],
    '1',
    'all routes share the units of a plan',
  )
  t.same(warnings, [], 'nobody was counted by IP')
})

test('a new token brings no new units', async (t) => {
  const { tokenOf, get, admitted } = await start(t)
  t.equal(await admitted(await tokenOf('ada'), 4), 3)
  t.equal((await get(await tokenOf('ada'))).statusCode, 429)
})

test('a user who waits Retry-After is admitted', async (t) => {
  const { clock, tokenOf, get, admitted } = await start(t)
  const ada = await tokenOf('ada')
  await admitted(ada, 3)
  t.match((await get(ada)).headers, { 'retry-after': '6', 'x-ratelimit-limit': '3' })
  clock.advance(6000)
  t.equal((await get(ada)).statusCode, 200)
})

test('a token that this app has not signed is refused, and spends nothing but the guard', async (t) => {
  const { app, tokenOf, get, admitted } = await start(t)
  const ada = await tokenOf('ada')
  const { headers } = await get(`${ada}x`)
  t.equal(headers['x-ratelimit-limit'], '500')
  for (const token of [`${ada}x`, 'a.b.c']) t.equal((await get(token)).statusCode, 401)
  t.equal((await app.inject('/notes')).statusCode, 401)
  t.equal(await admitted(ada, 10), 3)
})

test('logins are limited by IP', async (t) => {
  const { login } = await start(t)
  for (let i = 0; i < 20; i++) t.equal((await login('mallory')).statusCode, 401)
  t.equal((await login('ada')).statusCode, 429)
  t.equal((await login('ada', '192.0.2.2')).statusCode, 200)
})

test('the server of the example runs', async (t) => {
  const { child, address } = await startServer(t, 'examples/jwt/server.ts')
  const login = await fetch(`${address}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ada' }),
  })
  const { token } = (await login.json()) as { token: string }
  const answer = await fetch(`${address}/notes`, { headers: { authorization: `Bearer ${token}` } })
  t.same(await answer.json(), { notes: 'of ada' })
  t.equal(answer.headers.get('x-ratelimit-remaining'), '2')
  t.equal(child.stderr, '')
})

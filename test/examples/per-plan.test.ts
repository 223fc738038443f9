import { type Test, test } from 'tap'
import { buildApp } from '../../examples/per-plan/app.js'
import { memoryStore } from '../../lib/index.js'
import type { Limiter } from '../../types/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { startServer } from './child.js'

async function start(t: Test) {
  const clock = new ManualClock()
  const app = await buildApp(memoryStore({ clock }))
  t.teardown(() => app.close())
  const get = (user: string, url = '/report') =>
    app.inject({ url, headers: { authorization: `Bearer token-of-${user}` } })
  /** How many of `count` requests are admitted. The first ones must be. */
  const admitted = async (user: string, count: number) => {
    const answers = []
    for (let i = 0; i < count; i++) answers.push((await get(user)).statusCode)
    const allowed = answers.filter((status) => status === 200).length
    t.same(answers, [...Array(allowed).fill(200), ...Array(count - allowed).fill(429)])
    return allowed
  }
  return { app, clock, get, admitted }
}

test('a plan decides how many requests its users get at once; enterprise has no limit', async (t) => {
  const { get, admitted } = await start(t)
  t.equal(await admitted('ada', 30), 3, 'free')
  t.equal(await admitted('eve', 30), 20, 'pro')
  t.equal(await admitted('zoe', 200), 200, 'enterprise')
  t.equal((await get('zoe')).headers['x-ratelimit-limit'], '500', 'but for the guard')
})

test('each user is counted apart, and the routes of a plan together', async (t) => {
  const { get, admitted } = await start(t)
  await admitted('ada', 3)
  t.equal((await get('ada', '/export')).statusCode, 429, 'spent on reports')
  t.equal((await get('bob', '/export')).statusCode, 200)
  t.equal((await get('bob', '/report')).headers['x-ratelimit-remaining'], '1')
})

test('a free user who waits Retry-After is admitted', async (t) => {
  const { clock, get, admitted } = await start(t)
  await admitted('ada', 3)
  const denied = await get('ada')
  t.match(denied.headers, { 'retry-after': '6', 'x-ratelimit-limit': '3', 'x-ratelimit-remaining': '0' })
  clock.advance(5999)
  t.equal((await get('ada')).statusCode, 429)
  clock.advance(1)
  t.equal((await get('ada')).statusCode, 200)
})

test('a client without authentication gets 401, and counts only for the guard', async (t) => {
  const { app, get } = await start(t)
  for (let i = 0; i < 20; i++) {
    const answer = await get('mallory')
    t.equal(answer.statusCode, 401)
    t.equal(answer.headers['x-ratelimit-remaining'], String(499 - i))
  }
  t.equal((app.rateLimit.get('free') as Limiter).store.stats().keys, 1)
})

test('the server of the example runs', async (t) => {
  const { child, address } = await startServer(t, 'examples/per-plan/server.ts')
  const answer = await fetch(`${address}/report`, { headers: { authorization: 'Bearer token-of-ada' } })
  t.same(await answer.json(), { report: 'for ada' })
  t.equal(answer.headers.get('x-ratelimit-remaining'), '2')
  t.equal(child.stderr, '')
})

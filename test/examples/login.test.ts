import { type Test, test } from 'tap'
import { buildApp } from '../../examples/login/app.js'
import { memoryStore } from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { startServer } from './child.js'

const MINUTE = 60_000

async function start(t: Test) {
  const clock = new ManualClock()
  const app = await buildApp(memoryStore({ clock }))
  t.teardown(() => app.close())
  const login = (account: string, password: string, remoteAddress = '192.0.2.1') =>
    app.inject({ method: 'POST', url: '/login', payload: { account, password }, remoteAddress })
  return { app, clock, login }
}

test('five failed attempts from one address lock it out of every account for 15 minutes', async (t) => {
  const { clock, login } = await start(t)
  for (const account of ['ada', 'alan', 'grace', 'ada', 'nobody']) {
    t.equal((await login(account, 'guess')).statusCode, 401)
    clock.advance(MINUTE)
  }
  const denied = await login('alan', 'turing')
  t.equal(denied.statusCode, 429, 'even with the right password')
  t.equal(denied.headers['retry-after'], String(10 * 60), 'until the first attempt has left the window')
  t.equal((await login('alan', 'turing', '192.0.2.2')).statusCode, 200, 'another address is unaffected')
  clock.advance(10 * MINUTE - 1)
  t.equal((await login('alan', 'turing')).statusCode, 429)
  clock.advance(1)
  t.equal((await login('alan', 'turing')).statusCode, 200)
})

test('five failed attempts on one account lock it, from any address and in any spelling', async (t) => {
  const { login } = await start(t)
  const spellings = ['ada', 'Ada', 'ADA', ' ada', 'ada ']
  for (const [i, account] of spellings.entries()) {
    t.equal((await login(account, 'guess', `192.0.2.${i}`)).statusCode, 401)
  }
  const denied = await login('aDa', 'lovelace', '192.0.2.9')
  t.equal(denied.statusCode, 429)
  t.equal(denied.headers['retry-after'], String(15 * 60))
  const other = await login('alan', 'guess', '192.0.2.9')
  t.equal(other.statusCode, 401, 'another account is unaffected')
  t.equal(
    other.headers['x-ratelimit-remaining'],
    '4',
    'and what the account denied did not count for the address',
  )
})

test('a success costs nothing, and the failures before it still count', async (t) => {
  const { login } = await start(t)
  for (let i = 0; i < 6; i++) {
    const answer = await login('ada', 'lovelace')
    t.equal(answer.statusCode, 200)
    t.equal(answer.headers['x-ratelimit-remaining'], '5')
  }
  for (let i = 0; i < 4; i++) t.equal((await login('ada', 'guess')).statusCode, 401)
  t.equal((await login('ada', 'lovelace')).headers['x-ratelimit-remaining'], '1')
  t.equal((await login('ada', 'guess')).statusCode, 401)
  t.equal((await login('ada', 'lovelace')).statusCode, 429)
})

test('of many guesses at the same time, five are admitted', async (t) => {
  const { login } = await start(t)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => login('ada', `guess ${i}`)))
  t.equal(answers.filter(({ statusCode }) => statusCode === 401).length, 5)
  t.equal(answers.filter(({ statusCode }) => statusCode === 429).length, 15)
})

test('a request that names no account counts for its address', async (t) => {
  const { app, login } = await start(t)
  for (const payload of [
    {},
    { account: 'ada' },
    { account: '  ', password: 'guess' },
    { password: 'guess' },
  ]) {
    const answer = await app.inject({ method: 'POST', url: '/login', payload, remoteAddress: '192.0.2.1' })
    t.equal(answer.statusCode, 400)
  }
  t.equal((await login('ada', 'guess')).headers['x-ratelimit-remaining'], '0')
  t.equal((await login('ada', 'guess', '192.0.2.2')).headers['x-ratelimit-remaining'], '3')
})

test('the server of the example runs', async (t) => {
  const { child, address } = await startServer(t, 'examples/login/server.ts')
  const answer = await fetch(`${address}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account: 'ada', password: 'lovelace' }),
  })
  t.same(await answer.json(), { welcome: 'ada' })
  t.equal(answer.headers.get('x-ratelimit-remaining'), '5')
  t.equal(child.stderr, '')
})

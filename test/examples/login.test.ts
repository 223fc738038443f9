import { type Test, test } from 'tap'
import { buildApp, unlock } from '../../examples/login/app.js'
import { memoryStore } from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { startServer } from './child.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

async function start(t: Test) {
  const clock = new ManualClock()
  const app = await buildApp(memoryStore({ clock }))
  t.teardown(() => app.close())
  const login = (account: string, password: string, remoteAddress = '192.0.2.1', device = '') =>
    app.inject({
      method: 'POST',
      url: '/login',
      payload: { account, password },
      remoteAddress,
      cookies: { device },
    })
  return { app, clock, login }
}

/** The address of the nth bot of a botnet. */
const bot = (n: number) => `198.51.${n >> 8}.${n & 255}`

test('one address that tries many accounts is blocked, and longer each time', async (t) => {
  const { clock, login } = await start(t)
  const attack = async () => {
    for (let i = 0; i < 20; i++) t.equal((await login(`account ${i}`, 'guess')).statusCode, 401)
    const denied = await login('alan', 'turing')
    t.equal(denied.statusCode, 429, 'even with the right password')
    return Number(denied.headers['retry-after'])
  }
  t.equal(await attack(), 15 * 60)
  t.equal((await login('alan', 'turing', '192.0.2.2')).statusCode, 200, 'another address is unaffected')
  clock.advance(15 * MINUTE)
  t.equal(await attack(), 60 * 60)
  clock.advance(HOUR)
  t.equal(await attack(), 4 * 60 * 60)
})

test('guesses from a thousand addresses on one account are ten an hour, in any spelling', async (t) => {
  const { login } = await start(t)
  const spellings = ['ada', 'Ada', 'ADA', ' ada', 'ada ']
  let guesses = 0
  for (let i = 0; i < 1000; i++) {
    const { statusCode } = await login(spellings[i % 5], `guess ${i}`, bot(i))
    if (statusCode === 401) guesses++
  }
  t.equal(guesses, 10)
})

test('strangers cannot lock the owner of an account out of a device that is known', async (t) => {
  const { login } = await start(t)
  const first = await login('ada', 'lovelace', '192.0.2.9')
  const device = first.cookies[0].value
  for (let i = 0; i < 20; i++) await login('ada', `guess ${i}`, bot(i))
  t.equal((await login('ada', 'lovelace', '192.0.2.9')).statusCode, 429, 'a stranger so far')
  t.equal((await login('ada', 'lovelace', '192.0.2.9', device)).statusCode, 200)
  t.equal((await login('alan', 'guess', '192.0.2.9', device)).statusCode, 401, 'it opens no other account')
})

test('a device cookie that was made up, or belongs to another account, is that of a stranger', async (t) => {
  const { login } = await start(t)
  const device = (await login('alan', 'turing', '192.0.2.9')).cookies[0].value
  for (let i = 0; i < 10; i++) await login('ada', `guess ${i}`, bot(i), i % 2 === 0 ? device : `ada ${i}.x`)
  t.equal((await login('ada', 'guess', bot(10), device)).statusCode, 429)
})

test('of a thousand guesses at the same time, ten are looked at', async (t) => {
  const { login } = await start(t)
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => login('ada', `guess ${i}`, bot(i))),
  )
  t.equal(answers.filter(({ statusCode }) => statusCode === 401).length, 10)
})

test('a success costs nothing, and the failures before it still count', async (t) => {
  const { login } = await start(t)
  for (let i = 0; i < 15; i++) t.equal((await login('ada', 'lovelace')).statusCode, 200)
  for (let i = 0; i < 9; i++) t.equal((await login('ada', 'guess')).statusCode, 401)
  t.equal((await login('ada', 'lovelace')).statusCode, 200)
  t.equal((await login('ada', 'guess')).statusCode, 401)
  t.equal((await login('ada', 'lovelace')).statusCode, 429)
})

test('an account that does not exist gets the same answers', async (t) => {
  const { login } = await start(t)
  const answers = async (account: string) => {
    const list = []
    for (let i = 0; i < 12; i++) {
      const { statusCode, headers, body } = await login(account, 'guess', bot(i))
      list.push([statusCode, { ...headers, date: '' }, body])
    }
    return list
  }
  t.same(await answers('nobody'), await answers('ada'))
})

test('an operator unlocks an account and an address', async (t) => {
  const { app, login } = await start(t)
  for (let i = 0; i < 11; i++) await login('ada', 'guess', bot(i))
  t.equal((await login('ada', 'lovelace')).statusCode, 429)
  unlock(app, { account: ' ADA' })
  t.equal((await login('ada', 'lovelace')).statusCode, 200)
  for (let i = 0; i < 21; i++) await login(`account ${i}`, 'guess')
  t.equal((await login('ada', 'lovelace')).statusCode, 429)
  unlock(app, { ip: '192.0.2.1' })
  t.equal((await login('ada', 'lovelace')).statusCode, 200)
})

test('a request that names no account counts for its address', async (t) => {
  const { app, login } = await start(t)
  for (const payload of [{}, { account: 'ada' }, { account: '  ', password: 'x' }, { password: 'x' }]) {
    const answer = await app.inject({ method: 'POST', url: '/login', payload, remoteAddress: '192.0.2.1' })
    t.equal(answer.statusCode, 400)
  }
  t.equal((await app.rateLimit.get('loginByIp').peek('192.0.2.1')).remaining, 16)
  t.equal((await login('ada', 'guess', '192.0.2.2')).headers['x-ratelimit-remaining'], '9')
})

test('the server of the example runs', async (t) => {
  const { child, address } = await startServer(t, 'examples/login/server.ts')
  const answer = await fetch(`${address}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ account: 'ada', password: 'lovelace' }),
  })
  t.same(await answer.json(), { welcome: 'ada' })
  t.equal(answer.headers.get('x-ratelimit-remaining'), '9')
  t.equal(child.stderr, '')
})

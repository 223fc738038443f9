import { readFileSync } from 'node:fs'
import { test } from 'tap'
import type { ConsoleState } from '../../types/console.js'
import { startServer } from './child.js'

const SERVER = 'examples/console/server.ts'
const MOMENT = 100

test('npm run console starts an API, those who use it and misuse it, and their console', async (t) => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  t.equal(scripts.console, `node --import=tsx ${SERVER}`)
  const { child, address } = await startServer(t, SERVER)
  const [, url, password] = child.stdout.match(/^Console: (\S+) for operator, password (\S+)$/m) ?? []
  t.equal(url, `${address}/limits/`)
  const stranger = await fetch(url)
  t.equal(stranger.status, 401)
  t.match(stranger.headers.get('www-authenticate'), /^Basic /)

  const headers = { authorization: `Basic ${btoa(`operator:${password}`)}` }
  const page = await fetch(url, { headers })
  t.equal(page.status, 200)
  t.match(await page.text(), '<title>Rate limits</title>')
  /** Asks until the visitors have come so far. */
  const stateWith = async (isThere: (state: ConsoleState) => boolean): Promise<ConsoleState> => {
    for (;;) {
      const state = (await (await fetch(`${url}api/state`, { headers })).json()) as ConsoleState
      if (isThere(state)) return state
      await new Promise((resolve) => setTimeout(resolve, MOMENT))
    }
  }
  // The one who guesses passwords is blocked after five.
  const { limiters, offenders } = await stateWith(
    ({ offenders }) => offenders?.some(({ limiter }) => limiter === 'login') ?? false,
  )
  t.match(
    offenders?.filter(({ limiter }) => limiter === 'login'),
    [{ key: '203.0.113.23' }],
  )
  const [products] = limiters.filter(({ name }) => name === 'default')
  t.ok(products.policies[0].allowed > 0, 'people look around')
  t.same(await child.stop(), { code: 0, signal: null })
  t.equal(child.stderr, '')
})

test('without visitors, and with a password of yours', async (t) => {
  const env = { POPULATION: 'off', OPERATOR_PASSWORD: 'open-sesame' }
  const { child, address } = await startServer(t, SERVER, env)
  t.match(child.stdout, `${address}/limits/ for operator, password open-sesame\n`)
  const headers = { authorization: `Basic ${btoa('operator:open-sesame')}`, 'x-floodgate-console': '1' }
  const blocked = await fetch(`${address}/limits/api/block`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ limiter: 'default', key: '203.0.113.9', period: '1 hour', comment: 'a test' }),
  })
  t.equal(blocked.status, 200)
  const answer = await fetch(`${address}/products`, { headers: { 'x-forwarded-for': '203.0.113.9' } })
  t.equal(answer.status, 429)
  const state = (await (await fetch(`${address}/limits/api/state`, { headers })).json()) as ConsoleState
  t.match(state.changes, [{ who: 'operator', verb: 'block', key: '203.0.113.9', comment: 'a test' }])
})

import { test } from 'tap'
import { OWN, openConsole } from './support/console.js'

const BODY = { limiter: 'default', key: 'a', period: 'hour' }

test('what another site may have sent changes nothing', async (t) => {
  const { app, address, call } = await openConsole(t)
  const { host, port } = new URL(address)
  const refused: Record<string, string>[] = [
    {},
    { 'x-floodgate-console': '0' },
    { ...OWN, origin: 'https://evil.example' },
    { ...OWN, origin: `http://evil.example:${port}` },
    { ...OWN, origin: 'null' },
    { ...OWN, origin: 'about:blank' },
    { ...OWN, origin: `http://${host}.evil.example` },
    { ...OWN, origin: 'http://127.0.0.1:1' },
    { ...OWN, 'sec-fetch-site': 'cross-site' },
    { ...OWN, 'sec-fetch-site': 'same-site' },
    { ...OWN, 'sec-fetch-site': 'cross-site', origin: address },
  ]
  for (const headers of refused) {
    const { status, code } = await call('block', BODY, headers)
    t.strictSame({ status, code }, { status: 403, code: 'FST_FLOODGATE_ORIGIN' }, JSON.stringify(headers))
  }
  t.strictSame(app.rateLimit.changes(), [])
  const allowed: Record<string, string>[] = [
    OWN,
    { ...OWN, origin: address, 'sec-fetch-site': 'same-origin' },
    { ...OWN, 'sec-fetch-site': 'none' },
  ]
  for (const headers of allowed)
    t.equal((await call('block', BODY, headers)).status, 200, JSON.stringify(headers))
})

test('another site can read nothing, whatever CORS headers the application sends', async (t) => {
  const { get } = await openConsole(t)
  for (const path of ['/limits/api/state', '/limits/api/stream']) {
    t.equal((await get(path, { headers: { origin: 'https://evil.example' } })).status, 403, path)
    t.equal((await get(path, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403, path)
  }
  const { status, headers } = await get('/limits/api/state')
  t.equal(status, 200)
  t.equal(headers.get('cross-origin-resource-policy'), 'same-origin')
})

test('the host is the one that the client sees, with its port or the port of its protocol', async (t) => {
  const { app } = await openConsole(t)
  const statusOf = async (headers: Record<string, string>, instance = app) => {
    const request = {
      method: 'POST',
      url: '/limits/api/block',
      headers: { ...OWN, ...headers },
      payload: BODY,
    } as const
    return (await instance.inject(request)).statusCode
  }
  const cases: [Record<string, string>, number][] = [
    [{ host: 'example.com', origin: 'https://example.com' }, 200],
    [{ host: 'example.com:443', origin: 'https://example.com' }, 200],
    [{ host: 'example.com:80', origin: 'http://example.com' }, 200],
    [{ host: 'EXAMPLE.com', origin: 'https://example.com' }, 200],
    [{ host: '[::1]:3000', origin: 'http://[::1]:3000' }, 200],
    [{ host: 'example.com:80', origin: 'https://example.com' }, 403],
    [{ host: 'example.com', origin: 'https://example.com:8443' }, 403],
    [{ host: 'a b', origin: 'https://example.com' }, 403],
    [{ host: '127.0.0.1', 'x-forwarded-host': 'example.com', origin: 'https://example.com' }, 403],
  ]
  for (const [headers, status] of cases) t.equal(await statusOf(headers), status, JSON.stringify(headers))
  const { app: behind } = await openConsole(t, { server: { trustProxy: '127.0.0.1' } })
  const forwarded = { host: '127.0.0.1', 'x-forwarded-host': 'example.com' }
  t.equal(await statusOf({ ...forwarded, origin: 'https://example.com' }, behind), 200)
  t.equal(await statusOf({ ...forwarded, origin: 'http://127.0.0.1' }, behind), 403)
})

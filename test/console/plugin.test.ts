import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyRequest } from 'fastify'
import { test } from 'tap'
import { readPage } from '../../lib/console/files.js'
import rateLimitConsole from '../../lib/console.js'
import rateLimit from '../../lib/index.js'
import { openConsole } from './support/console.js'

test('it refuses to start without a hook that lets operators through', async (t) => {
  const refused = async (options: object, allowed: RegExp) => {
    const app = Fastify()
    await app.register(rateLimit)
    await t.rejects(async () => await app.register(rateLimitConsole, options as never), {
      code: 'FST_FLOODGATE_OPTION',
      message: allowed,
    })
  }
  await refused({}, /'console\.onRequest' is undefined; allowed: a hook, or a list of hooks/)
  await refused({ public: false }, /console\.onRequest/)
  await refused({ onRequest: [] }, /console\.onRequest/)
  await refused({ onRequest: [() => {}, 'operators'] }, /console\.onRequest/)
  await refused({ public: true, onRequest: [] }, /console\.onRequest/)
  await refused({ public: 'yes' }, /'console\.public' is 'yes'; allowed: true or false/)
  await refused({ public: true, who: 'me' }, /'console\.who' is 'me'; allowed: a function/)
})

test('an option that nobody knows is refused', async (t) => {
  const app = Fastify()
  await app.register(rateLimit)
  await t.rejects(async () => await app.register(rateLimitConsole, { publik: true } as never), {
    code: 'FST_FLOODGATE_UNKNOWN_OPTION',
    message: /'console\.publik'; did you mean 'public'\?/,
  })
})

test('it refuses to start where no limiters are', async (t) => {
  const app = Fastify()
  await t.rejects(async () => await app.register(rateLimitConsole, { public: true }), {
    code: 'FST_FLOODGATE_NOT_REGISTERED',
  })
})

test('the page comes with headers that let it run its own files only', async (t) => {
  const { get } = await openConsole(t)
  const page = await get('/limits/')
  t.equal(page.status, 200)
  t.match(page.headers.get('content-type'), /^text\/html; charset=utf-8$/)
  t.match(await page.text(), /^<!doctype html>/i)
  const policy = page.headers.get('content-security-policy')
  t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; /)
  t.match(policy, /img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'$/)
  t.equal(page.headers.get('x-content-type-options'), 'nosniff')
  t.equal(page.headers.get('referrer-policy'), 'no-referrer')
  t.equal(page.headers.get('cache-control'), 'private, no-cache')
})

test('a browser that has a file is not sent it again', async (t) => {
  const { get } = await openConsole(t)
  for (const path of ['/limits/', '/limits/assets/uplot.js', '/limits/assets/uplot.css']) {
    const etag = (await get(path)).headers.get('etag') as string
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(path, { headers: { 'if-none-match': known } })
      t.equal(again.status, 304, `${path} ${known}`)
      t.equal(await again.text(), '')
    }
    t.equal((await get(path, { headers: { 'if-none-match': '"other"' } })).status, 200)
  }
})

test('files of the page have their types, and no other file is served', async (t) => {
  const { get } = await openConsole(t)
  const types = { 'uplot.js': 'text/javascript', 'uplot.css': 'text/css' }
  for (const [name, type] of Object.entries(types)) {
    const file = await get(`/limits/assets/${name}`)
    t.equal(file.headers.get('content-type'), `${type}; charset=utf-8`)
    t.equal(file.headers.get('x-content-type-options'), 'nosniff')
  }
  const others = ['index.html', 'package.json', '..%2fplugin.js', '..%2f..%2fpackage.json', '__proto__', '']
  for (const name of others) t.equal((await get(`/limits/assets/${name}`)).status, 404, name)
})

test('without its last slash the page leads to where its relative addresses are right', async (t) => {
  const { get } = await openConsole(t)
  const away = await get('/limits?a=1', { redirect: 'manual' })
  t.equal(away.status, 302)
  t.equal(away.headers.get('location'), './limits/')
  t.equal((await get('/limits')).url.endsWith('/limits/'), true)
})

test('it works below any prefix, in nested scopes, and without one', async (t) => {
  for (const prefix of ['/limits', '/ops/tools/limits', '', '/a:b']) {
    const app = Fastify()
    await app.register(rateLimit)
    await app.register(rateLimitConsole, { prefix, public: true })
    const { headers } = await app.inject(prefix === '' ? '/' : prefix)
    const base = new URL(headers.location?.toString() ?? '/', `http://localhost${prefix}`).pathname
    t.equal(base, `${prefix}/`)
    t.equal((await app.inject(base)).statusCode, 200)
    t.equal((await app.inject(`${base}assets/uplot.js`)).statusCode, 200)
  }
  const app = Fastify()
  await app.register(rateLimit)
  app.register(async (ops) => ops.register(rateLimitConsole, { prefix: '/limits', public: true }), {
    prefix: '/ops',
  })
  t.equal((await app.inject('/ops/limits/')).statusCode, 200)
})

test('the hooks run in their order for every route, and one of them may refuse', async (t) => {
  const trace: string[] = []
  const first = (_request: FastifyRequest, _reply: unknown, done: () => void) => {
    trace.push('first')
    done()
  }
  const second = async (request: FastifyRequest) => {
    trace.push('second')
    if (request.headers.authorization !== 'operator')
      throw Object.assign(new Error('who are you'), { statusCode: 401 })
  }
  const { app, get } = await openConsole(t, { console: { onRequest: [first, second] } })
  const routes = app.printRoutes({ commonPrefix: false, includeHooks: false })
  t.match(routes, /limits/)
  for (const path of ['/limits/', '/limits', '/limits/assets/uplot.js', '/limits/assets/none']) {
    trace.length = 0
    t.equal((await get(path, { redirect: 'manual' })).status, 401, path)
    t.strictSame(trace, ['first', 'second'])
  }
  t.equal((await get('/limits/', { headers: { authorization: 'operator' } })).status, 200)
})

test('a flood that the guard and every limiter deny leaves the console alone', async (t) => {
  const one = { rate: 1, per: 'hour', burst: 1 } as const
  const { app, get } = await openConsole(t, { limits: { ...one, guard: one } })
  t.equal((await get('/')).status, 200)
  for (let i = 0; i < 5; i++) t.equal((await get('/')).status, 429)
  const page = await get('/limits/')
  t.equal(page.status, 200)
  t.equal(page.headers.get('x-ratelimit-limit'), null)
  t.equal((await get('/limits/assets/uplot.js')).status, 200)
  t.match(app.rateLimit.stats().limiters.guard.policies.guard, { allowed: 1, denied: 5 })
})

test('a page that was built brings its chart library', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'console-page-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const name of ['index.html', 'uplot.js', 'mark.svg', 'uplot.LICENSE.txt'])
    writeFileSync(join(folder, name), name)
  const files = readPage(pathToFileURL(`${folder}/`))
  t.strictSame([...files.keys()].sort(), ['index.html', 'mark.svg', 'uplot.css', 'uplot.js'])
  t.equal(String(files.get('uplot.js')?.body), 'uplot.js')
  t.equal(files.get('mark.svg')?.type, 'image/svg+xml')
})

test('headers that @fastify/helmet sets for the application do not break the page', async (t) => {
  const { get } = await openConsole(t, {
    build: async (app) => {
      await app.register(helmet, {
        contentSecurityPolicy: { directives: { scriptSrc: ["'unsafe-inline'"] } },
      })
    },
  })
  for (const path of ['/limits/', '/limits/api/state', '/limits/api/stream']) {
    const { headers, body } = await get(path)
    await body?.cancel()
    t.match(
      headers.get('content-security-policy'),
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    )
    t.equal(headers.get('referrer-policy'), 'no-referrer')
    t.match(headers.get('strict-transport-security'), /max-age/, 'what the console does not set stays')
  }
})

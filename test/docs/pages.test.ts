import { readdirSync, readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { test } from 'tap'
import rateLimit, { createLimiter, memoryStore } from '../../lib/index.js'
import { fileLimits } from '../../lib/limits.js'
import { redisStore } from '../../lib/redis.js'
import { createSharedMemory } from '../../lib/threads.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { limitLines, shownReply } from '../fixtures/shown-reply.js'
import { runSnippet, statuses } from '../fixtures/snippet-runner.js'
import { ROOT, readPage } from '../fixtures/snippets.js'
import { optionsOf } from './options-of.js'

test('quickstart.md shows the 429 that its first app sends', async (t) => {
  const { app } = await runSnippet(t, 'docs/quickstart.md', 'everything')
  t.same(await statuses(app, '/', 10), Array(10).fill(200))
  shownReply(t, 'docs/quickstart.md', await app.inject('/'))
})

test('quickstart.md limits routes as its comments say', async (t) => {
  const { app } = await runSnippet(t, 'docs/quickstart.md', 'routes')
  t.same(await statuses(app, '/health', 20), Array(20).fill(200))
  t.same(await statuses(app, '/search', 4), [200, 200, 200, 429])
  t.same(await statuses(app, '/login', 6, { method: 'POST' }), [...Array(5).fill(200), 429])
  t.same(await statuses(app, '/', 11), [...Array(10).fill(200), 429])
})

test('routes.md: each form of route config does what its comment says', async (t) => {
  const { app } = await runSnippet(t, 'docs/routes.md', 'forms')
  t.same(await statuses(app, '/health', 20), Array(20).fill(200))
  t.same(await statuses(app, '/login', 6, { method: 'POST' }), [...Array(5).fill(200), 429])
  t.same(await statuses(app, '/search', 4), [200, 200, 200, 429])
  t.same(await statuses(app, '/export', 3), [200, 200, 429])
  t.same(await statuses(app, '/plan', 11), [...Array(10).fill(200), 429])
  t.same(await statuses(app, '/plan', 11, { headers: { 'x-plan': 'pro' } }), Array(11).fill(200))
})

test('routes.md: routes without a config, and limits that a function returns', async (t) => {
  const { app: byDefault } = await runSnippet(t, 'docs/routes.md', 'by-default')
  t.same(await statuses(byDefault, '/', 20), Array(20).fill(200))
  t.same(await statuses(byDefault, '/search', 4), [200, 200, 200, 429])

  const { app: values } = await runSnippet(t, 'docs/routes.md', 'values')
  t.same(await statuses(values, '/report', 4), [200, 200, 200, 429])
})

test('routes.md: exempt routes, allowed clients, costs known later, handlers placed by hand', async (t) => {
  const { app: exempt } = await runSnippet(t, 'docs/routes.md', 'exempt')
  t.same(await statuses(exempt, '/docs/a', 3), [200, 200, 200])
  t.same(await statuses(exempt, '/', 3, { remoteAddress: '10.1.2.3' }), [200, 200, 200])
  t.same(await statuses(exempt, '/', 3), [200, 200, 429])

  const { app: request } = await runSnippet(t, 'docs/routes.md', 'request')
  t.equal((await request.inject('/left')).body, '9')
  t.equal((await request.inject('/report')).headers['x-ratelimit-remaining'], '6')
  t.same(await statuses(request, '/report', 3), [200, 200, 429])

  const { app: registry } = await runSnippet(t, 'docs/routes.md', 'registry')
  t.same(await statuses(registry, '/invite', 1, { method: 'POST' }), [200])
  t.same(await statuses(registry, '/remind', 2, { method: 'POST' }), [200, 429])
})

test('keys.md: users are limited apart, and names of limiters are mapped', async (t) => {
  const { app: strategies } = await runSnippet(t, 'docs/keys.md', 'strategies')
  t.equal((await strategies.inject('/')).body, 'ann')
  const { app: anywhere } = await runSnippet(t, 'docs/keys.md', 'anywhere')
  for (const url of ['/early', '/late'])
    t.equal((await anywhere.inject({ url, headers: { 'x-user': 'ann' } })).body, 'ann', url)
  const { app: names } = await runSnippet(t, 'docs/keys.md', 'names')
  t.equal((await names.inject('/plan')).body, 'default')
  t.equal((await names.inject({ url: '/plan', headers: { authorization: 'token-of-bob' } })).body, 'pro')
})

test('http.md: bodies, error handlers and CORS are as shown', async (t) => {
  const { app: body } = await runSnippet(t, 'docs/http.md', 'body')
  t.same(await statuses(body, '/', 1), [200])
  t.same((await body.inject('/')).json(), { error: 'slow down', seconds: 1 })

  const { app: handler } = await runSnippet(t, 'docs/http.md', 'error-handler')
  t.same(await statuses(handler, '/', 1), [200])
  const denied = await handler.inject('/')
  t.match(denied, { statusCode: 429, headers: { 'retry-after': '1' } })
  t.same(denied.json(), { problem: 'too fast' })

  const { app: cors } = await runSnippet(t, 'docs/http.md', 'cors')
  t.same(await statuses(cors, '/', 1), [200])
  t.match((await cors.inject('/')).headers, {
    'access-control-allow-origin': 'https://example.com',
    'access-control-expose-headers': /retry-after/,
  })
})

test('http.md shows what clients really see for each setting', async (t) => {
  const rows = [...readPage('docs/http.md').matchAll(/^\| `(\{.*?\})` \| (.*?) \| (.*?) \|$/gm)]
  t.equal(rows.length, 6)
  for (const [, setting, allowed, denied] of rows) {
    const app = Fastify()
    t.teardown(() => app.close())
    const options = new Function(`return (${setting})`)()
    const store = memoryStore({ clock: new ManualClock() })
    await app.register(rateLimit, { rate: 100, per: 'minute', burst: 1, store, ...options })
    app.get('/', async () => 'ok')
    const shown = [allowed, denied.replace('the same, and', allowed)].map((cell) =>
      [...cell.matchAll(/`(.*?)`/g)].map(([, line]) => line),
    )
    for (const lines of shown) t.strictSame(limitLines(await app.inject('/'), lines), lines, setting)
  }
})

test('observing.md serves what Prometheus scrapes, with all names that it lists', async (t) => {
  const { app } = await runSnippet(t, 'docs/observing.md', 'prometheus')
  t.same(await statuses(app, '/', 6), [...Array(5).fill(200), 429])
  const { body, headers } = await app.inject('/metrics')
  t.match(headers['content-type'], 'text/plain')
  t.match(body, 'floodgate_decisions_total{limiter="default",policy="default",outcome="denied"} 1\n')
  const served = [...body.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name)
  const listed = [...readPage('docs/observing.md').matchAll(/^\| `(floodgate_.*?)` \|/gm)]
  t.same(listed.flatMap(([, names]) => names.split('`, `')).sort(), served.sort())
})

/** The rows of the tables below a heading of docs/options.md. */
function optionRows(heading: string): { names: string[]; example: string }[] {
  const section =
    readPage('docs/options.md')
      .split(/^## /m)
      .find((part) => part.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/^\| (`.*?) \|.*\| `(.*)` \|$/gm)].map(([, names, example]) => ({
    names: [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    example,
  }))
}

test('options.md has a row for every option, and every example is accepted', async (t) => {
  const client = new Redis({ lazyConnect: true })
  t.teardown(() => client.disconnect())
  const register = async (options: object) => {
    const app = Fastify()
    await app.register(rateLimit, options)
    await app.close()
  }
  const made = { memoryStore, fileLimits, client }
  const policy = optionsOf('types/policy.ts', 'PolicyOptions')
  const route = optionsOf('types/route.ts', 'RoutePolicy')
  const own = optionsOf('types/options.ts', 'RateLimitOptions')
  const sections: [heading: string, options: string[], use: (options: never) => unknown][] = [
    ['The plugin', [...own, ...route, ...policy.filter((name) => name !== 'name')], register],
    ['A policy', policy, (options) => createLimiter({ name: 'api', ...(options as object) })],
    ['A limiter of the plugin', route, (options) => register({ limiters: { one: options } })],
    ['`createLimiter`', [...policy, 'policies'], createLimiter],
    [
      'The second argument of `createLimiter`',
      optionsOf('types/limiter.ts', 'LimiterSettings'),
      (settings) => createLimiter({ name: 'api' }, settings),
    ],
    ['`memoryStore`', optionsOf('lib/store/memory/options.ts', 'MemoryStoreOptions'), memoryStore],
    ['`redisStore`', optionsOf('lib/store/redis/options.ts', 'RedisStoreOptions'), redisStore],
    ['`createSharedMemory` and `sharedStore`', sharedMemoryOptions(), createSharedMemory],
  ]
  for (const [heading, options, use] of sections) {
    const rows = optionRows(heading)
    t.same(rows.flatMap(({ names }) => names).sort(), [...new Set(options)].sort(), heading)
    for (const { example } of rows) {
      const given = new Function(...Object.keys(made), `return ({ ${example} })`)(...Object.values(made))
      await use(given as never)
      t.pass(`${heading}: ${example}`)
    }
  }
})

function sharedMemoryOptions(): string[] {
  return optionsOf('lib/store/shared/memory/layout.ts', 'SharedMemoryOptions')
}

test('benchmarks.md holds no large number that no bench wrote', async (t) => {
  const results = new URL('bench/results/', ROOT)
  const written = readdirSync(results)
    .filter((name) => name.endsWith('.md'))
    .map((name) => readFileSync(new URL(name, results), 'utf8'))
    .join('\n')
  for (const [number] of readPage('docs/benchmarks.md').matchAll(/\d{1,3}(?:,\d{3})+/g))
    t.ok(written.includes(number), number)
})

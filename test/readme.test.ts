import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Fastify, { type FastifyInstance } from 'fastify'
import { test } from 'tap'
import rateLimit, { createLimiter, type Limiter, memoryStore } from '../lib/index.js'
import { type SharedMemory, sharedStore } from '../lib/threads.js'
import { ManualClock } from './fixtures/manual-clock.js'
import { keysOf } from './fixtures/redis/monitor.js'
import { startRedis } from './fixtures/redis/server.js'

const ROOT = new URL('../', import.meta.url)
// Inside the repository, so that `fastify` is found from there; git ignores it.
const SCRATCH = new URL(`.tap/readme-${process.pid}/`, ROOT)
const README = readFileSync(new URL('README.md', ROOT), 'utf8')

const SNIPPETS = new Map(
  [...README.matchAll(/<!-- snippet: ([\w-]+) -->\n```ts\n([\s\S]*?)```/g)].map(([, id, code]) => [id, code]),
)

/** Runs a snippet as it stands, but on a free port and against this source tree; returns what it declared. */
async function run(id: string, names: readonly string[], port = 0): Promise<Record<string, unknown>> {
  const code = (SNIPPETS.get(id) as string)
    .replaceAll("'fastify-floodgate'", `'${new URL('lib/index.ts', ROOT).href}'`)
    .replaceAll("'fastify-floodgate/redis'", `'${new URL('lib/redis.ts', ROOT).href}'`)
    .replaceAll("'fastify-floodgate/threads'", `'${new URL('lib/threads.ts', ROOT).href}'`)
    .replaceAll('port: 3000', 'port: 0')
    .replaceAll('127.0.0.1:6379', `127.0.0.1:${port}`)
  const file = new URL(`${id}.mts`, SCRATCH)
  const exports = names.length > 0 ? `\nexport { ${names.join(', ')} }\n` : ''
  writeFileSync(file, code + exports)
  return await import(pathToFileURL(file.pathname).href)
}

/** Status codes of `count` requests in a row. */
async function statuses(app: FastifyInstance, url: string, count: number, headers = {}, method = 'GET') {
  const codes: number[] = []
  for (let i = 0; i < count; i++) {
    codes.push((await app.inject({ url, headers, method: method as 'GET' })).statusCode)
  }
  return codes
}

/** The headers of a reply that limiters may set, and its type and body where `shown` has them, as README writes them. */
function limitLines({ headers, body }: { headers: object; body: string }, shown: readonly string[]) {
  const ours = /^(x-ratelimit|ratelimit|retry-after|cache-control|access-control-expose)/
  const lines = Object.entries(headers)
    .filter(([name]) => ours.test(name) || shown.some((line) => line.startsWith(`${name}:`)))
    .map(([name, value]) => `${name}: ${value}`)
  if (shown.some((line) => line.startsWith('{'))) lines.push(body)
  return shown.filter((line) => lines.includes(line)).concat(lines.filter((line) => !shown.includes(line)))
}

test('README', async (t) => {
  mkdirSync(SCRATCH, { recursive: true })
  t.teardown(() => rmSync(SCRATCH, { recursive: true, force: true }))

  await t.test('has every TypeScript snippet marked, so that none goes unexecuted', async (t) => {
    t.equal(SNIPPETS.size, [...README.matchAll(/```ts\n/g)].length)
    t.same([...SNIPPETS.keys()].sort(), ['bots', 'keys', 'names', 'redis', 'routes', 'start', 'threads'])
  })

  await t.test('shows the 429 that its first ten lines send', async (t) => {
    const { app } = (await run('start', ['app'])) as { app: FastifyInstance }
    t.teardown(() => app.close())
    t.same(await statuses(app, '/', 10), Array(10).fill(200))
    const denied = await app.inject('/')
    const shown = (README.match(/```http\n([\s\S]*?)```/) as string[])[1]
    const [head, body] = shown.split('\n\n')
    const [statusLine, ...fields] = head.split('\n')
    t.equal(statusLine, `HTTP/1.1 ${denied.statusCode} ${denied.statusMessage}`)
    for (const field of fields) {
      const [name, value] = field.split(': ')
      t.equal(denied.headers[name], value, name)
    }
    t.equal(denied.body, body.trim())
    t.same(await statuses(app, '/health', 20), Array(20).fill(200))
  })

  await t.test('counts by user after authentication', async (t) => {
    const { app } = (await run('keys', ['app'])) as { app: FastifyInstance }
    t.teardown(() => app.close())
    const remoteAddress = '203.0.113.7'
    const me = async (user: string) => app.inject({ url: '/me', headers: { 'x-user': user }, remoteAddress })
    t.same((await me('ann')).json(), { left: 9 })
    t.same((await me('bob')).json(), { left: 9 })
    t.equal((await app.inject({ url: '/me', remoteAddress })).statusCode, 401)
    t.equal(
      (await app.inject({ url: '/me', headers: { 'x-user': 'c' }, remoteAddress: '10.1.2.3' })).json().left,
      undefined,
    )
  })

  await t.test('limits each form of route config as its comment says', async (t) => {
    const { app } = (await run('routes', ['app'])) as { app: FastifyInstance }
    t.teardown(() => app.close())
    t.same(await statuses(app, '/health', 20), Array(20).fill(200))
    t.same(await statuses(app, '/login', 6, {}, 'POST'), [200, 200, 200, 200, 200, 429])
    t.same(await statuses(app, '/search', 4), [200, 200, 200, 429])
    t.same(await statuses(app, '/export', 3), [200, 200, 429])
    t.same(await statuses(app, '/plan', 11), [...Array(10).fill(200), 429])
    t.same(await statuses(app, '/plan', 11, { 'x-plan': 'pro' }), Array(11).fill(200))
  })

  await t.test('answers bots', async (t) => {
    const { check } = (await run('bots', [])) as { check: (key: string) => [boolean, number] }
    for (let i = 0; i < 4; i++) t.same(check('slack:U0123456789'), [true, 0])
    const [allowed, retryAfter] = check('slack:U0123456789')
    t.equal(allowed, false)
    t.ok(retryAfter >= 1 && retryAfter <= 60)
  })

  await t.test('counts in Redis', async (t) => {
    const server = await startRedis(t)
    const { app } = (await run('redis', ['app'], server.port)) as { app: FastifyInstance }
    t.teardown(() => app.close())
    t.same(await statuses(app, '/', 11), [...Array(10).fill(200), 429])
    t.equal((await keysOf(server)).size, 1)
  })

  await t.test('shares memory among threads', async (t) => {
    const { memory, limiter } = await run('threads', [])
    const twin = createLimiter(
      { name: 'api', rate: 100, per: 'minute' },
      { store: sharedStore({ memory: memory as SharedMemory }) },
    )
    for (let i = 0; i < 10; i++) t.equal((limiter as Limiter).take('a').allowed, true)
    t.equal(twin.take('a').allowed, false)
  })

  await t.test('has a row for every option of the Redis store', async (t) => {
    const options = readFileSync(new URL('lib/store/redis/options.ts', ROOT), 'utf8')
    const [, body] = options.match(/interface RedisStoreOptions \{([\s\S]*?)\n\}/) as string[]
    const names = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name)
    const section = README.slice(README.indexOf('## Several processes'), README.indexOf('## Options'))
    t.equal(names.length, 9)
    for (const name of names) t.match(section, new RegExp(`^\\| \`${name}\` \\|`, 'm'), name)
  })

  await t.test('has a row for every option of the plugin', async (t) => {
    const types = readFileSync(new URL('types/options.ts', ROOT), 'utf8')
    const [, body] = types.match(/interface RateLimitOptions extends [^{]*\{([\s\S]*?)\n\}/) as string[]
    const own = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name)
    const table = README.slice(README.indexOf('## Options'), README.indexOf('## Warnings'))
    t.equal(own.length, 13)
    for (const name of [...own, 'rate', 'per', 'burst', 'algorithm', 'key', 'cost', 'hook']) {
      t.match(table, new RegExp(`^\\|.*\`${name}\`.*\\|`, 'm'), name)
    }
  })

  await t.test('shows what clients really see for each setting', async (t) => {
    const rows = [...README.matchAll(/^\| `(\{.*?\})` \| (.*?) \| (.*?) \|$/gm)].map(([, ...cells]) => cells)
    t.equal(rows.length, 6)
    for (const [setting, allowed, denied] of rows) {
      const app = Fastify()
      t.teardown(() => app.close())
      const options = new Function(`return (${setting})`)()
      const store = memoryStore({ clock: new ManualClock() })
      await app.register(rateLimit, { rate: 100, per: 'minute', burst: 1, store, ...options })
      app.get('/', async () => 'ok')
      const shown = [allowed, denied.replace('the same, and', allowed)].map((cell) =>
        [...cell.matchAll(/`(.*?)`/g)].map(([, line]) => line),
      )
      for (const lines of shown) {
        const reply = await app.inject('/')
        t.strictSame(limitLines(reply, lines), lines, setting)
      }
    }
  })

  await t.test('shows types that compile away', async () => {
    await run('names', [])
  })
})

import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { keysOf } from './fixtures/redis/monitor.js'
import { startRedis } from './fixtures/redis/server.js'
import { shownReply } from './fixtures/shown-reply.js'
import { runSnippet, statuses } from './fixtures/snippet-runner.js'
import { ROOT, readPage } from './fixtures/snippets.js'

const README = readPage('README.md')

test('README is short: at most 200 lines and 1,300 words', async (t) => {
  t.ok(README.trimEnd().split('\n').length <= 200)
  t.ok(README.split(/\s+/).filter((word) => word !== '').length <= 1300)
})

test('README shows the 429 that its first ten lines send', async (t) => {
  const { app } = await runSnippet(t, 'README.md', 'start')
  t.same(await statuses(app, '/', 10), Array(10).fill(200))
  shownReply(t, 'README.md', await app.inject('/'))
  t.same(await statuses(app, '/health', 20), Array(20).fill(200))
})

test('README counts by user after authentication', async (t) => {
  const { app } = await runSnippet(t, 'README.md', 'keys')
  const me = (user: string) => app.inject({ url: '/me', headers: { 'x-token': `token-of-${user}` } })
  t.same((await me('ann')).json(), { left: 9 })
  t.same((await me('bob')).json(), { left: 9 })
  t.equal((await app.inject('/me')).statusCode, 401)
})

test('README counts in Redis', async (t) => {
  const server = await startRedis(t)
  const { app } = await runSnippet(t, 'README.md', 'redis', server.port)
  t.same(await statuses(app, '/', 11), [...Array(10).fill(200), 429])
  t.equal((await keysOf(server)).size, 1)
})

test('README names every option of the plugin', async (t) => {
  const types = readFileSync(new URL('types/options.ts', ROOT), 'utf8')
  const [, body] = types.match(/interface RateLimitOptions extends [^{]*\{([\s\S]*?)\n\}/) as string[]
  const own = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name)
  const table = README.slice(README.indexOf('## Options'), README.indexOf('## Speed'))
  t.ok(own.length >= 13)
  for (const name of [...own, 'rate', 'per', 'burst', 'algorithm', 'key', 'cost', 'hook'])
    t.match(table, new RegExp(`^\\|.*\`${name}\`.*\\|`, 'm'), name)
})

test('README holds the speed that the bench wrote', async (t) => {
  const results = readFileSync(new URL('bench/results/http.md', ROOT), 'utf8')
  const row = (contender: string) => {
    const added = ['header', 'ip'].flatMap((key) =>
      ['allowed', 'denied'].map((outcome) => {
        const line = new RegExp(`^\\| key: ${key} \\| ${contender}, ${outcome} \\|.* ([\\d,]+) \\|$`, 'm')
        return results.match(line)?.[1]
      }),
    )
    return added.join(' | ')
  }
  t.ok(README.includes(`| fastify-floodgate | ${row('floodgate')} |`))
  t.ok(README.includes(`| @fastify/rate-limit 11.2 | ${row('@fastify/rate-limit')} |`))
})

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { type Test, t, test } from 'tap'
import rateLimit from '../../../../lib/index.js'
import { versionOf } from '../../../../lib/limits/live.js'
import { redisLimits } from '../../../../lib/limits.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import type { Ran } from '../../../replay/cli/support.js'
import { rate } from './support.js'

// Each command is a process, which compiles the sources.
t.setTimeout(120_000)

const CLI = fileURLToPath(new URL('../../../../lib/cli.ts', import.meta.url))

/** The real program, as a process of its own, and a server. */
async function program(t: Test) {
  const server = await startRedis(t)
  const folder = t.testdir()
  const env = { ...process.env, REDIS_URL: server.url, USER: 'ops' }
  const limits = (...args: string[]) =>
    new Promise<Ran>((resolve) => {
      const all = ['--import=tsx', CLI, 'limits', ...args]
      execFile(process.execPath, all, { env }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      )
    })
  const file = (name: string, document: object) => {
    const path = join(folder, name)
    writeFileSync(path, JSON.stringify(document))
    return path
  }
  return { server, limits, file }
}

/** Milliseconds within which an app follows; one that is busy misses a look. */
const SOON = process.env.CI === 'true' ? 10_000 : 2000

test('an app follows a push and a rollback within 2 seconds', async (t) => {
  const { server, limits, file } = await program(t)
  const client = new Redis(server.url)
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onClose', async () => client.disconnect())
  await app.register(rateLimit, { rate: 9, burst: 9, limits: redisLimits({ client, key: 'limits' }) })
  app.get('/', async () => 'hello')
  await app.ready()
  const limitOf = async () => (await app.inject('/')).headers['x-ratelimit-limit']
  t.equal(await limitOf(), '9')
  /** Milliseconds since a command ended until the app goes by another limit. */
  const follows = async (limit: string) => {
    const start = performance.now()
    while ((await limitOf()) !== limit && performance.now() - start < SOON) await sleep(10)
    return performance.now() - start
  }

  const path = file('limits.json', { limiters: { default: { burst: 3 } } })
  t.match(await limits('diff', path), { code: 1, stdout: /burst: not set -> 3/ })
  t.match(await limits('push', path, '--comment', 'INC-42'), { code: 0, stderr: '' })
  t.ok((await follows('3')) < SOON)
  t.match(await limits('show'), {
    code: 0,
    stderr: new RegExp(`^version ${app.rateLimit.stats().limits?.version}, `),
  })
  t.match(await limits('diff', path), { code: 0, stdout: '' })
  t.match(await limits('rollback'), { code: 0 })
  t.ok((await follows('9')) < SOON)
  t.match(await limits('history'), { code: 0, stdout: /^\* .*: rollback to \w+\n .*ops: INC-42\n/ })
})

test('of operators who push at once over the same version, one wins', async (t) => {
  const { server, limits, file } = await program(t)
  const expect = versionOf('{}')
  const runs = await Promise.all(
    [1, 2, 3, 4].map((n) =>
      limits('push', file(`${n}.json`, rate(n)), '--comment', `${n}`, '--expect', expect),
    ),
  )
  t.same(runs.map(({ code }) => code).sort(), [0, 1, 1, 1])
  const winner = runs.findIndex(({ code }) => code === 0) + 1
  t.equal(await server.command('GET', 'limits'), JSON.stringify(rate(winner)))
  t.equal(await server.command('LLEN', '{limits}:history'), 2, 'what was there before, and the winner')
})

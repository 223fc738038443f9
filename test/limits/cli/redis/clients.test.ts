import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Test, t, test } from 'tap'
import { LIBRARIES, type Library } from '../../../../lib/limits/cli/clients.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { desk, rate } from './support.js'

// Each process compiles the sources at a new place.
t.setTimeout(120_000)

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const TSX = import.meta.resolve('tsx')

/** Copies the sources to a place where nothing is installed but what they depend on, and that client. */
function installWith(t: Test, client: string | null, name = client): string {
  const folder = mkdtempSync(join(tmpdir(), 'floodgate-clients-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const sources of ['lib', 'types'])
    cpSync(join(ROOT, sources), join(folder, sources), { recursive: true })
  const link = (from: string, to: string) => {
    mkdirSync(dirname(join(folder, 'node_modules', to)), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', from), join(folder, 'node_modules', to))
  }
  for (const dependency of ['@fastify/error', '@lukeed/ms', 'fastify-plugin', 'ipaddr.js', 'leven'])
    link(dependency, dependency)
  if (client !== null && name !== null) link(client, name)
  return join(folder, 'lib', 'cli.ts')
}

const INSTALLED: readonly [string, string?][] = [
  ['ioredis'],
  ['ioredis5', 'ioredis'],
  ['iovalkey'],
  ['redis'],
  ['redis5', 'redis'],
]

for (const [client, name] of INSTALLED) {
  test(`${client} alone is enough`, async (t) => {
    const server = await startRedis(t, { password: 'p@ss' })
    const cli = installWith(t, client, name)
    const path = join(dirname(cli), 'limits.json')
    writeFileSync(path, JSON.stringify(rate(5)))
    const args = ['push', path, '--comment', 'x', '--who', 'ops', '--redis', server.url]
    t.match(spawnSync(process.execPath, [`--import=${TSX}`, cli, 'limits', ...args], { encoding: 'utf8' }), {
      status: 0,
      stderr: '',
    })
    t.equal(await server.command('GET', 'limits'), JSON.stringify(rate(5)))
  })
}

test('without any client, the message says what to install', async (t) => {
  const cli = installWith(t, null)
  const args = [`--import=${TSX}`, cli, 'limits', 'show', '--redis', 'redis://127.0.0.1:1']
  t.match(spawnSync(process.execPath, args, { encoding: 'utf8' }), {
    status: 2,
    stdout: '',
    stderr:
      'fastify-floodgate limits: no client of Redis is installed: npm install ioredis, or iovalkey, or redis\n',
  })
})

for (const [i, name] of ['ioredis', 'iovalkey', 'redis'].entries()) {
  test(`${name}: pushes, and says why it cannot`, async (t) => {
    const { push, limits, server } = await desk(t, { libraries: [LIBRARIES[i]] })
    t.match(await push(rate(1)), { code: 0 })
    t.match(await limits('show'), { code: 0, stdout: JSON.stringify(rate(1)) })
    await server.kill()
    t.match(await limits('show'), { code: 2, stderr: /the Redis key limits cannot be read: .*ECONNREFUSED/ })
  })
}

test('a library that is not installed is passed over, and one that is broken is said', async (t) => {
  const missing = () => {
    throw Object.assign(new Error('not there'), { code: 'MODULE_NOT_FOUND' })
  }
  const broken = () => {
    throw new Error('broken')
  }
  t.match(await (await desk(t, { libraries: [missing, LIBRARIES[0], broken] })).limits('show'), { code: 0 })
  t.match(await (await desk(t, { libraries: [missing, broken] })).limits('show'), {
    code: 2,
    stderr: /cannot be read: broken/,
  })
  t.match(await (await desk(t, { libraries: [missing] })).limits('show'), {
    code: 2,
    stderr: /no client of Redis is installed/,
  })
})

/** A library whose client answers the first call so, and that keeps the addresses of its clients. */
function movedTo(place: string) {
  const urls: string[] = []
  const library: Library = () => (url) => {
    urls.push(url)
    const client = {
      status: 'ready',
      on: () => {},
      evalsha: () => {},
      eval: async () => {
        if (urls.length === 1) throw new Error(`MOVED 42 ${place}`)
        return ['', null, []]
      },
    }
    return { client: client as never, connect: async () => {}, close: () => {} }
  }
  return { urls, library }
}

test('where a slot has moved, the same user asks there', async (t) => {
  for (const [place, host] of [
    ['192.0.2.1:7001', '192.0.2.1:7001'],
    [':7001', '127.0.0.1:7001'],
    ['2001:db8::1:7001', '[2001:db8::1]:7001'],
  ]) {
    const { urls, library } = movedTo(place)
    const { limits } = await desk(t, { libraries: [library] })
    t.match(await limits('show', '--redis', 'rediss://u:p@127.0.0.1:6379'), { code: 0, stdout: '{}\n' })
    t.same(urls, ['rediss://u:p@127.0.0.1:6379', `rediss://u:p@${host}`])
  }
})

test('an error without a message is said by its code, as of a host with several addresses', async (t) => {
  const connect = () => Promise.reject(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))
  const client = { status: 'wait', on: () => {}, evalsha: () => {} }
  const library: Library = () => () => ({ client: client as never, connect, close: () => {} })
  const { limits } = await desk(t, { libraries: [library] })
  t.match(await limits('show'), { code: 2, stderr: /cannot be read: ECONNREFUSED\n/ })
})

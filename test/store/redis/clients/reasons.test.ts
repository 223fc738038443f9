import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis5'
import { type Test, t, test } from 'tap'
import type { RedisClient } from '../../../../lib/redis.js'
import type { RedisStoreOptions } from '../../../../lib/store/redis/options.js'
import type { AsyncStore } from '../../../../types/index.js'
import { freePort } from '../../../fixtures/redis/child.js'
import { type ConnectOptions, clients, type Flavour, type Target } from '../../../fixtures/redis/clients.js'
import { keysOf } from '../../../fixtures/redis/monitor.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { until } from '../../../fixtures/redis/until.js'
import { clientOf, limiterOf, serve, storeOf } from '../one-server.js'

// They wait for most of their time, each with servers of its own.
t.jobs = 4

/** Where the reason comes from afar: a server, or DNS. */
const SLOW = { timeout: 1000 }
const NOT_THERE = { wait: false } as const
const LOCAL = 'limits of this process apply'

/** Asks until the store goes down, and returns its message. */
async function downfall(store: AsyncStore): Promise<Error> {
  let told: Error | undefined
  const stop = store.onStateChange((_, error) => {
    told = error
  })
  const limiter = limiterOf(store, { rate: 1, burst: 1 })
  const error = await until(
    'the store to go down',
    async () => {
      await limiter.take(`sk_secret_${Math.random()}`).catch(() => {})
      return told
    },
    30_000,
  )
  stop()
  return error
}

/** The message of a store of that client when it goes down. */
async function reason(client: object, options: Partial<RedisStoreOptions> = {}): Promise<Error> {
  const store = storeOf(client as RedisClient, { timeout: 150, ...options })
  const error = await downfall(store)
  await store.close()
  return error
}

/** Without what comes before every reason. */
const said = ({ message }: Error) => message.replace(/^the rate limit store does not answer: /, '')

async function single(t: Test, flavour: Flavour, target: Target, options: ConnectOptions = NOT_THERE) {
  const { client, close } = await flavour.single(target, options)
  t.teardown(close)
  return client
}

for (const flavour of clients) {
  test(`a server that is not there: the reason is the system's, with the address: ${flavour.name}`, async (t) => {
    const port = await freePort()
    const error = await reason(await single(t, flavour, { port }))
    t.equal(said(error), `ECONNREFUSED 127.0.0.1:${port}; ${LOCAL}`)
    t.match(error, { code: 'FST_FLOODGATE_STORE', cause: { code: 'ECONNREFUSED' } })
  })

  test(`a password that is wrong, or missing, is the reason, and is not shown: ${flavour.name}`, async (t) => {
    const server = await startRedis(t, { password: 'right' })
    const wrong = await reason(await single(t, flavour, { port: server.port, password: 'wr0ng' }), SLOW)
    // Some send it with a command that is refused before the password is looked at.
    t.match(said(wrong), /^(?:WRONGPASS|NOAUTH); limits/)
    const none = await reason(await single(t, flavour, { port: server.port }), SLOW)
    t.equal(said(none), `NOAUTH; ${LOCAL}`)
    for (const { message } of [wrong, none]) t.notMatch(message, /wr0ng|right|sk_secret/)
  })

  test(`a server that went away and came back leaves no reason behind: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    const client = await single(t, flavour, server, {})
    const store = storeOf(client as RedisClient, { timeout: 1000 })
    t.teardown(store.onStateChange(() => {}))
    const limiter = limiterOf(store, { rate: 1, burst: 1000 })
    await limiter.take('key')
    await server.restart()
    await until('the store to answer', async () => (await limiter.take('key')).source === undefined)
    await (flavour.kind === 'ioredis'
      ? (client as { quit(): Promise<unknown> }).quit()
      : (client as { close(): Promise<unknown> }).close())
    t.equal(said(await downfall(store)), `the client is closed; ${LOCAL}`)
  })
}

for (const [name, create] of [
  ['node-redis 6', createClient],
  ['node-redis 5', createClient5],
] as const) {
  test(`a client on which nobody called connect() says so: ${name}`, async (t) => {
    const error = await reason((create as typeof createClient)())
    t.equal(said(error), `the client is closed or was never connected: call client.connect(); ${LOCAL}`)
  })
}

test('a host that has no address, or several, and a socket that is not there, are named', async (t) => {
  const port = await freePort()
  const target = { port }
  const cases: [object, RegExp][] = [
    [{ host: 'nowhere.invalid' }, /^(?:ENOTFOUND|EAI_AGAIN) nowhere\.invalid; /],
    [{ path: '/nowhere/redis.sock' }, /^ENOENT \/nowhere\/redis\.sock; /],
    [{ host: 'localhost' }, new RegExp(`^ECONNREFUSED \\S+:${port}(?:, ECONNREFUSED \\S+:${port})?; `)],
  ]
  for (const [options, expected] of cases) {
    const client = await clientOf(t, target, { wait: false, options })
    t.match(said(await reason(client, SLOW)), expected)
  }
})

test('clients of a Cluster name the error of the node that failed last', async (t) => {
  const server = await startRedis(t, { password: 'right' })
  for (const flavour of clients) {
    const { client, close } = await flavour.cluster([{ port: server.port, password: 'wr0ng' }], NOT_THERE)
    // Without slots, node-redis stumbles for a moment where the server is slow.
    const expected = /^(?:Failed to refresh slots cache\. )?(?:WRONGPASS|NOAUTH); limits/
    const isSaid = async () => expected.test(said(await reason(client, SLOW)))
    await until(`the reason: ${flavour.name}`, isSaid, 60_000)
    await close().catch(() => {})
  }
})

const modes = { local: LOCAL, allow: 'every request is allowed', deny: 'requests get 503' } as const
for (const [onStoreFailure, text] of Object.entries(modes)) {
  test(`what happens to requests meanwhile is said: ${onStoreFailure}`, async (t) => {
    const client = await clientOf(t, { port: await freePort() }, NOT_THERE)
    const error = await reason(client, { onStoreFailure: onStoreFailure as 'local' })
    t.match(error.message, new RegExp(`; ${text}$`))
  })
}

test('of what a server or client says no quotation, URL or second line is shown', async (t) => {
  const { client } = await serve(t)
  const cases: [unknown, string][] = [
    [new Error('ERR unknown command `AUTH`, with args beginning with: `hunter2`'), 'ERR unknown command'],
    [
      new Error("ERR ACL failure in script: User r has no permissions to run the 'get' command"),
      'ERR ACL failure in script: User r has no permissions to run the',
    ],
    [new Error("ERR user_script:1: it can't be done"), "ERR user_script:1: it can't be done"],
    [new Error('OOM of some key'), 'OOM'],
    [new TypeError('no server at redis://me:hunter2@host'), 'TypeError'],
    ['hunter2', 'unknown'],
    [new AggregateError([new Error('first'), new Error('OOM second')]), 'first, OOM'],
    [new Error('two\n  lines'), 'two lines'],
  ]
  for (const [cause, text] of cases) {
    const failing = Object.create(client, { evalsha: { value: () => Promise.reject(cause) } })
    t.equal(said(await reason(failing)), `${text}; ${LOCAL}`)
  }
})

test('a call that a connection queues because somebody left a MULTI open says so, and charges nothing after its time', async (t) => {
  const { server, client } = await serve(t)
  type Transacting = { multi(options: object): Promise<unknown>; exec(): Promise<unknown> }
  const transacting = client as unknown as Transacting
  await transacting.multi({ pipeline: false })
  t.equal(said(await reason(client)), `the connection is inside a MULTI; ${LOCAL}`)
  await sleep(300)
  await transacting.exec()
  t.same([...(await keysOf(server)).keys()], [])
})

test('a client without a listener for errors neither ends the process nor prints, as long as a store uses it', async (t) => {
  const port = await freePort()
  const run = promisify(execFile)
  const script = fileURLToPath(new URL('lonely-client.fixture.ts', import.meta.url))
  for (const kind of ['ioredis', 'node-redis']) {
    const { stdout, stderr } = await run(process.execPath, ['--import=tsx', script, kind, String(port)])
    t.match(stdout, new RegExp(`ECONNREFUSED 127\\.0\\.0\\.1:${port}; ${LOCAL}`), kind)
    t.equal(stderr, '', kind)
  }
})

test('a store that is closed listens no more, and again when it is asked again', async (t) => {
  const client = new Redis({ port: await freePort(), lazyConnect: true })
  t.teardown(() => client.disconnect())
  const store = storeOf(client as unknown as RedisClient, { timeout: 30 })
  t.teardown(store.onStateChange(() => {}))
  const count = () => client.listenerCount('error')
  t.equal(count(), 1)
  await store.close()
  t.equal(count(), 0)
  await limiterOf(store, {}).take('key')
  t.equal(count(), 1)
  await store.close()
  t.equal(count(), 0)
})

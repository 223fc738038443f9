import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { RedisLimits, redisLimits } from '../../lib/limits/redis-limits.js'
import type { RedisClient } from '../../lib/redis.js'
import { clients, type Flavour } from '../fixtures/redis/clients.js'
import { startProxy } from '../fixtures/redis/proxy.js'
import { type Server, startRedis } from '../fixtures/redis/server.js'
import { startsAgain } from './restarts.js'

/** A source over a key of a private server, and what it delivered: texts, and errors with a `!`. */
async function watched(t: Test, flavour: Flavour = clients[0]) {
  return over(t, await startRedis(t), flavour)
}

/** The same through a line, which is one more that a busy machine may stop. */
async function watchedThroughLine(t: Test) {
  const server = await startRedis(t)
  const line = await startProxy(t, server.port)
  return { line, ...(await over(t, server, clients[0], line)) }
}

async function over(t: Test, own: Server, flavour: Flavour, target: { port: number } = own) {
  const { client, close } = await flavour.single({ port: target.port })
  t.teardown(close)
  let timer: (() => void) | null = null
  let cancelled = 0
  const source = new RedisLimits({ client: client as RedisClient, key: 'limits' }, (ms, listener) => {
    t.equal(ms, 1000)
    timer = listener
    return () => {
      timer = null
      cancelled++
    }
  })
  t.teardown(() => source.stop())
  const seen: string[] = []
  const apply = (text: string) => void seen.push(text)
  const start = () => source.start(apply, (error) => void seen.push(`! ${error.message}`))
  /** Lets a second pass. Returns what came. */
  const later = async () => {
    const [listener, from] = [timer, seen.length]
    timer = null
    listener?.()
    while (timer === null && cancelled === 0) await setImmediate()
    return seen.slice(from)
  }
  const set = (text: string) => own.command('SET', 'limits', text)
  return { server: own, source, seen, start, later, set }
}

for (const flavour of clients) {
  test(`${flavour.name}: a document is delivered at start, and again when it is another one`, async (t) => {
    const { seen, start, later, set } = await watched(t, flavour)
    await set('{}')
    await start()
    t.same(seen, ['{}'])
    t.same(await later(), [])
    await set('{"comment":"é"}')
    t.same(await later(), ['{"comment":"é"}'])
    t.same(await later(), [])
  })
}

test('a key that is not there yet is no failure; one that goes away is', async (t) => {
  const { server, seen, start, later, set } = await watched(t)
  await start()
  t.same(seen, [])
  t.same(await later(), [])
  await set('{}')
  t.same(await later(), ['{}'])
  await server.command('DEL', 'limits')
  t.same(await later(), ['! the Redis key limits is gone'])
  await set('{}')
  t.same(await later(), ['{}'])
})

test('a Redis that is away at start is reported, and its document is taken up when it is back', async (t) => {
  const { line, seen, start, later, set } = await watchedThroughLine(t)
  await set('{}')
  line.blackhole()
  await start()
  t.same(seen, ['! the Redis key limits cannot be read: no answer within 1000 ms'])
  line.open()
  let came: string[] = []
  for (let i = 0; i < 100 && came.length === 0; i++) came = (await later()).filter((text) => text === '{}')
  t.same(came, ['{}'])
})

test('a Redis that goes away later is reported, and read again when it is back', async (t) => {
  const { line, start, later, set } = await watchedThroughLine(t)
  await set('{}')
  await start()
  await line.refuse()
  line.cut()
  const came: string[] = []
  for (let i = 0; i < 100 && came.length === 0; i++) came.push(...(await later()))
  t.match(came[0], /^! the Redis key limits cannot be read: /)
  await line.accept()
  const back: string[] = []
  for (let i = 0; i < 200 && !back.includes('{}'); i++) {
    back.push(...(await later()))
    await sleep(20)
  }
  t.ok(back.includes('{}'))
})

test('a key of another type and a document of more than 10 MB are reported', async (t) => {
  const { server, seen, start, later, set } = await watched(t)
  await server.command('LPUSH', 'limits', '{}')
  await start()
  t.match(seen, [/^! the Redis key limits cannot be read: .*WRONGTYPE/])
  await server.command('DEL', 'limits')
  await set(`{}${' '.repeat(10 * 1024 * 1024 - 1)}`)
  t.match(await later(), [/^! the Redis key limits cannot be read: .*at most 10485760 bytes are allowed/])
})

/** What a key of a client that is not UTF-8 would become is another key. */
const LATIN = Buffer.from('{"overrides":[{"limiter":"default","key":"caf\xe9","policy":false}]}', 'latin1')

test('a document that is not UTF-8 is reported, and not delivered', async (t) => {
  const { server, start, later, set } = await watched(t)
  await set('{"comment":"\ufffd"}')
  await start()
  await server.command('SET', 'limits', LATIN)
  t.same(await later(), ['! the Redis key limits cannot be read: it is not UTF-8'])
  await set('{"comment":"\ufffd"}')
  t.same(await later(), ['{"comment":"\ufffd"}'], 'a character like any other')
})

test('start rejects for a document that is not UTF-8', async (t) => {
  const { server, start, seen } = await watched(t)
  await server.command('SET', 'limits', LATIN)
  await t.rejects(start(), {
    code: 'FST_FLOODGATE_LIMITS',
    message: /limits cannot be read: it is not UTF-8/,
  })
  t.same(seen, [])
})

test('start rejects for a document that is not allowed, and names the key', async (t) => {
  const { source, set } = await watched(t)
  await set('{}')
  const refuse = (_: unknown, place?: string) => {
    throw new Error(`wrong: ${place}`)
  }
  await t.rejects(source.start(refuse, refuse), { message: 'wrong: the Redis key limits' })
})

test('after stop nothing is delivered', async (t) => {
  const { source, seen, start, later, set } = await watched(t)
  await set('{}')
  await start()
  await set('{ }')
  const reading = later()
  source.stop()
  await reading
  await sleep(50)
  t.same(seen, ['{}'])

  const second = await watchedThroughLine(t)
  await second.start()
  second.line.blackhole()
  const failing = second.later()
  second.source.stop()
  await failing
  await sleep(1100)
  t.same(second.seen, [], 'a failure is not reported either')
})

test('redisLimits() needs a client and a key', async (t) => {
  const client = { evalsha: () => {}, status: 'ready' } as never
  t.throws(() => redisLimits({ client, key: '' }), { message: /option 'key' is ''/ })
  t.throws(() => redisLimits({ client: {} as never, key: 'limits' }), {
    message: /option 'client' is an object/,
  })
  t.throws(() => redisLimits({ client, keys: 'limits' } as never), { message: /did you mean 'key'\?/ })
  t.ok(redisLimits({ client, key: 'limits' }))
})

test('a source that is in use is refused, and one that was stopped starts again', async (t) => {
  const key = await watched(t)
  await startsAgain(t, 'redisLimits()', key, key.set)
})

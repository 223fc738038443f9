import fc from 'fast-check'
import { test } from 'tap'
import type { AsyncLimiter, PolicyOptions } from '../../../../types/index.js'
import { bytesOf, keysWithoutTtl } from '../../../fixtures/redis/monitor.js'
import type { Server } from '../../../fixtures/redis/server.js'
import { limiterOf, serve, Times } from '../one-server.js'

const BUCKET: PolicyOptions = { name: 'bucket', rate: 7, per: 'minute', burst: 5 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 5, per: 'minute' }

/** A head of a ring, and a slot. */
function head(start: number, count: number, capacity: number, newest: number, skew = 0): Buffer {
  const bytes = Buffer.alloc(33)
  bytes.writeUInt32LE(start, 0)
  bytes.writeUInt32LE(count, 4)
  bytes.writeUInt32LE(capacity, 8)
  bytes.writeBigUInt64LE(BigInt(newest), 12)
  // The last of the eight bytes is the first of the skew.
  bytes.writeUIntLE(skew % 2 ** 48, 19, 6)
  bytes.writeUInt8(Math.floor(skew / 2 ** 48), 25)
  return bytes
}

const texts = [
  '',
  '0',
  '-1',
  'nan',
  'inf',
  '-inf',
  '1e300',
  '0x7f',
  '1.5',
  ':',
  '5:',
  ':5',
  '1:2:3',
  'x',
  'B',
  'B:',
  'B1',
  'B1:1',
  'B1:x',
  `B${'9'.repeat(20)}:${'9'.repeat(16)}`,
  `B${'9'.repeat(400)}:${'9'.repeat(400)}`,
  '\0',
  '9'.repeat(400),
]
/** Rings that no store wrote, at that time of the server in µs. */
const rings = (now: number) => [
  ...texts.map((text) => Buffer.from(text)),
  Buffer.alloc(26),
  Buffer.alloc(26, 255),
  Buffer.alloc(1000, 255),
  head(0, 5, 5, now),
  head(4, 5, 5, now),
  head(5, 5, 5, now),
  head(0, 6, 5, now),
  head(0, 5, 8, 2 ** 52),
  head(0, 0, 8, 2 ** 52, 2 ** 55),
  head(2, 3, 8, 0, 2 ** 52),
  head(0, 2 ** 32 - 1, 2 ** 32 - 1, now),
  head(2 ** 31, 2, 2 ** 32 - 1, now),
  head(10_000_000, 2, 20_000_000, now),
  Buffer.concat([head(0, 5, 5, now), Buffer.alloc(28, 255)]),
  Buffer.concat([head(0, 5, 5, now), Buffer.alloc(5, 255)]),
]

/** Takes as long as the limiter allows; 20 is as good as for ever. */
async function drain(limiter: AsyncLimiter, key: string): Promise<number> {
  for (let units = 0; units < 20; units++) if (!(await limiter.take(key)).allowed) return units
  return 20
}

/**
 * Nothing that is stored keeps a batch from being decided, admits more than the limit, or locks out for
 * longer than the policy can.
 */
async function bears(
  server: Server,
  limiter: AsyncLimiter,
  times: Times,
  write: () => Promise<unknown>,
): Promise<string> {
  await write()
  const results = await Promise.all([
    limiter.take('bystander'),
    limiter.take('victim'),
    limiter.peek('victim'),
  ])
  if (results.some(({ source }) => source !== undefined)) return 'the batch failed'
  await limiter.refund('victim', 1)
  const units = await drain(limiter, 'victim')
  if (units > 6) return `${units} units`
  if ((await keysWithoutTtl(server)).length > 0) return 'no time to live'
  times.advance(61_000)
  const again = await drain(limiter, 'victim')
  if (again !== 5) return `${again} units after a minute`
  if ((await bytesOf(server, limiter.storeKey('victim'))) > 1000) return 'it is large'
  times.advance(61_000)
  return 'well'
}

for (const [policy, values] of [
  [BUCKET, () => texts.map((text) => Buffer.from(text))],
  [WINDOW, rings],
] as const) {
  test(`what is stored of a ${policy.name} may be anything`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client, { denyCache: 0 }), policy)
    for (let i = 0; i < values(0).length; i++) {
      const value = values(times.server)[i]
      const write = () => server.command('SET', limiter.storeKey('victim'), value)
      const what = `${value.length} bytes: ${value.subarray(0, 40).toString('hex')}`
      t.equal(await bears(server, limiter, times, write), 'well', what)
      await server.command('FLUSHALL')
    }
  })

  test(`what is stored in place of a ${policy.name} may be of another type`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client, { denyCache: 0 }), policy)
    for (const command of [['RPUSH'], ['SADD'], ['HSET', 'field'], ['ZADD', '1']]) {
      const [verb, ...rest] = command
      const write = () => server.command(verb, limiter.storeKey('victim'), ...rest, 'value')
      t.equal(await bears(server, limiter, times, write), 'well', verb)
      await server.command('FLUSHALL')
    }
  })

  test(`a ${policy.name} of random bytes is borne as well`, async (t) => {
    const { server, client } = await serve(t)
    const times = new Times()
    const limiter = limiterOf(times.store(client, { denyCache: 0 }), policy)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 70, size: 'max' }), async (bytes) => {
        const write = () => server.command('SET', limiter.storeKey('victim'), Buffer.from(bytes))
        const outcome = await bears(server, limiter, times, write)
        await server.command('FLUSHALL')
        return outcome === 'well' || t.fail(outcome)
      }),
      { numRuns: 60, endOnFailure: true },
    )
  })
}

test('a number in the future that the server cannot add to is written again', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const limiter = limiterOf(times.store(client), { rate: 60, per: 'minute', burst: 5 })
  const name = limiter.storeKey('key')
  const future = times.server + 2_000_000
  const texts = ['.5', 'e0', ' '].map((end) => `${future}${end}`)
  for (const text of [...texts, ` ${future}`, `0x${future.toString(16)}`]) {
    await server.command('SET', name, text)
    t.match(await limiter.take('key'), { allowed: true, remaining: 2 }, text)
    t.match(String(await server.command('GET', name)), /^\d+(:\d+)?$/)
    t.same(await keysWithoutTtl(server), [])
  }
})

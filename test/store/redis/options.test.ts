import { Redis } from 'ioredis'
import { Redis as Valkey } from 'iovalkey'
import { createClient, createCluster } from 'redis'
import { test } from 'tap'
import { createLimiter, memoryStore } from '../../../lib/index.js'
import { type RedisClient, redisStore } from '../../../lib/redis.js'

const client = {
  status: 'ready',
  evalsha: () => {},
  eval: () => {},
  on: () => {},
  off: () => {},
} as unknown as RedisClient
const refused = (options: object) => () => redisStore({ client, ...options } as never)

const numbers = {
  timeout: [1, 60_000],
  instances: [1, 10_000],
  lease: [1, 10_000],
  denyCache: [0, 1_000_000],
  shards: [1, 16_384],
} as const

for (const [option, [least, most]] of Object.entries(numbers)) {
  const bad = [
    least - 1,
    most + 1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '10',
    null,
    true,
    [],
    10n,
    () => 10,
  ]
  for (const value of bad) {
    test(`${option}: ${typeof value} ${String(value)} is refused by name`, (t) => {
      t.throws(refused({ [option]: value }), {
        code: 'FST_FLOODGATE_OPTION',
        message: new RegExp(`^option '${option}' is .*; allowed: an integer from ${least} to ${most}$`),
      })
      t.end()
    })
  }
  test(`${option}: its limits are allowed, and undefined is the default`, (t) => {
    for (const value of [least, most, undefined]) t.doesNotThrow(refused({ [option]: value }))
    t.end()
  })
}

for (const prefix of ['', ' ', 'a b', '{a}', 'a{', '}', 'ä', 'a\n', 'a'.repeat(65), 5, null, ['a']]) {
  test(`prefix: ${JSON.stringify(prefix)} is refused by name`, (t) => {
    t.throws(refused({ prefix }), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'prefix' is .*; allowed: 1 to 64/,
    })
    t.end()
  })
}

test('a prefix may have letters, digits and some signs', (t) => {
  for (const prefix of ['a', 'shop:v1', 'a/b.c-d_e', 'Z9', 'a'.repeat(64), undefined])
    t.doesNotThrow(refused({ prefix }))
  t.end()
})

const SECRET = 'correct horse battery staple'
const badSecrets: [string, unknown, RegExp][] = [
  ['text of 15 bytes', SECRET.slice(0, 15), /is a secret of 15 bytes;/],
  ['no text', '', /is a secret of 0 bytes;/],
  ['a Buffer of 15 bytes', Buffer.from(SECRET.slice(0, 15)), /is a secret of 15 bytes;/],
  ['bytes that are no Buffer', new Uint8Array(32), /is of type object;/],
  ['a number', 1_234_567_812_345_678, /is of type number;/],
  ['null', null, /is of type object;/],
  ['undefined, as of a variable that is not set', undefined, /is of type undefined;/],
]
for (const [what, secret, message] of badSecrets) {
  test(`secret: ${what} is refused by name, and not shown`, (t) => {
    try {
      refused({ secret })()
      t.fail('it was taken')
    } catch (error) {
      const { code, message: text } = error as Error & { code: string }
      t.equal(code, 'FST_FLOODGATE_OPTION')
      t.match(
        text,
        /^option 'secret' is .*; allowed: a string or Buffer of at least 16 bytes, or no such option$/,
      )
      t.match(text, message)
      t.notMatch(text, /correct|12345678/)
    }
    t.end()
  })
}

test('a secret may be any text or Buffer of 16 bytes or more; text counts in UTF-8', (t) => {
  for (const secret of [SECRET, 'ä'.repeat(8), Buffer.alloc(16, 1), 'x'.repeat(100_000)])
    t.doesNotThrow(refused({ secret }))
  t.end()
})

for (const onStoreFailure of ['alow', 'open', '', null, true, 0]) {
  test(`onStoreFailure: ${JSON.stringify(onStoreFailure)} is refused by name`, (t) => {
    t.throws(refused({ onStoreFailure }), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'onStoreFailure' is .*; allowed: 'local', 'allow' or 'deny'$/,
    })
    t.end()
  })
}

test('a misspelt mode or option is told the nearest', (t) => {
  t.throws(refused({ onStoreFailure: 'alow' }), { message: /did you mean 'allow'\?/ })
  t.throws(refused({ timeuot: 5 }), {
    code: 'FST_FLOODGATE_UNKNOWN_OPTION',
    message:
      /^unknown option 'timeuot'; did you mean 'timeout'\?; allowed: client, prefix, onStoreFailure, timeout/,
  })
  t.throws(refused({ leases: 20 }), { message: /did you mean 'lease'\?/ })
  t.end()
})

const noClients = [
  undefined,
  null,
  {},
  'redis://127.0.0.1',
  6379,
  [],
  () => {},
  new Map(),
  { evalsha: () => {} },
  { evalSha: () => {} },
  { isOpen: true },
  { status: 'ready' },
  memoryStore(),
]
for (const [i, value] of noClients.entries()) {
  test(`client: ${i + 1}, ${typeof value}, is refused by name`, (t) => {
    t.throws(() => redisStore({ client: value as never }), {
      code: 'FST_FLOODGATE_OPTION',
      message:
        /^option 'client' is .*; allowed: a client of ioredis, iovalkey or redis \(node-redis\) v5 or later$/,
    })
    t.end()
  })
}

for (const options of [undefined, null, 'redis', 5, [client], client]) {
  test(`options: ${options === client ? 'a client' : String(options)} is refused`, (t) => {
    t.throws(() => redisStore(options as never), { code: /^FST_FLOODGATE_(UNKNOWN_)?OPTION$/ })
    t.end()
  })
}

test('a client in place of the options is told to be one of them, of whatever make', async (t) => {
  const lazy = { lazyConnect: true } as const
  const cluster = createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] })
  for (const client of [new Redis(lazy), new Valkey(lazy), createClient(), cluster]) {
    t.throws(() => redisStore(client as never), {
      code: 'FST_FLOODGATE_OPTION',
      message: "option 'options' is an object; allowed: redisStore({ client }), not the client itself",
    })
    t.throws(() => createLimiter({ name: 'a' }, { store: client as never }), {
      code: 'FST_FLOODGATE_OPTION',
      message: "option 'store' is an object; allowed: redisStore({ client }), not the client itself",
    })
  }
})

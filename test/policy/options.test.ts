import { test } from 'tap'
import { ownOptions, refuseUnknown } from '../../lib/policy/index.js'
import { polluted } from '../fixtures/polluted.js'

const PLUGIN = [
  'rate',
  'per',
  'key',
  'cost',
  'exempt',
  'allow',
  'store',
  'headers',
  'body',
  'onDenied',
  'ipv6Prefix',
  'block',
  'enforce',
  'wait',
  'charge',
  'algorithm',
]

/** The error message for options that are all unknown. */
function message(
  names: readonly string[],
  known: readonly string[],
  where = '',
  unlisted?: string[],
): string {
  try {
    refuseUnknown(Object.fromEntries(names.map((name) => [name, 1])), known, where, unlisted)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

test('known options pass, listed or not; the error names an unknown option with its path', async (t) => {
  t.doesNotThrow(() => refuseUnknown({ rate: 1, per: 2 }, ['rate', 'per'], ''))
  t.doesNotThrow(() => refuseUnknown({ rate: 1, prefix: 2 }, ['rate'], '', ['prefix']))
  t.throws(() => refuseUnknown({ rate: 1, zzzzzz: 2 }, ['rate', 'per'], 'guard.'), {
    code: 'FST_FLOODGATE_UNKNOWN_OPTION',
    statusCode: 500,
    message: "unknown option 'guard.zzzzzz'; allowed: rate, per",
  })
  t.equal(message(['preffix'], ['rate'], '', ['prefix']), "unknown option 'preffix'; allowed: rate")
})

test('one error names up to ten unknown options, each with the option that was meant', async (t) => {
  t.equal(
    message(['timeWindow', 'zzzzzz', 'rte', 'rate'], ['rate', 'per'], 'guard.'),
    "unknown options 'guard.timeWindow' (did you mean 'per'?), 'guard.zzzzzz', 'guard.rte' (did you mean 'rate'?); allowed: rate, per",
  )
  const names = Array.from({ length: 12 }, (_, i) => `zzzzz${i}`)
  t.match(message(names, ['rate']), /^unknown options 'zzzzz0', .*, 'zzzzz9' and 2 more; allowed: rate$/)
  t.equal(
    message([`z\n${'z'.repeat(200)}`], ['rate']).length,
    117,
    'a long name is shown in short, on one line',
  )
})

const REDIS = 'store: redisStore({ client })'
const FOREIGN: [names: string, known: readonly string[], meant: string][] = [
  ['max limit points', PLUGIN, 'rate'],
  ['max limit', ['maxKeys', 'clock'], 'maxKeys'],
  ['timeWindow windowMs duration ttl', PLUGIN, 'per'],
  ['keyGenerator', PLUGIN, 'key'],
  ['weight', PLUGIN, 'cost'],
  ['redis storeClient', PLUGIN, REDIS],
  ['redis storeClient', ['client', 'prefix'], 'client'],
  ['nameSpace keyPrefix', ['client', 'prefix'], 'prefix'],
  ['skipOnError', PLUGIN, "store: redisStore({ client, onStoreFailure: 'allow' })"],
  ['cache', PLUGIN, 'store: memoryStore({ maxKeys })'],
  ['allowList whitelist skip', PLUGIN, 'allow'],
  ['dryRun shadow shadowMode reportOnly', PLUGIN, 'enforce: false'],
  ['global', PLUGIN, "exempt: ['*']"],
  ['addHeaders standardHeaders legacyHeaders', PLUGIN, 'headers'],
  ['ipv6Subnet', PLUGIN, 'ipv6Prefix'],
  ['errorResponseBuilder message', PLUGIN, 'body'],
  ['handler onExceeded', PLUGIN, 'onDenied'],
  ['ban blockDuration', PLUGIN, 'block'],
  ['inMemoryBlockOnConsumed', PLUGIN, 'store: redisStore({ client, denyCache })'],
  ['inMemoryBlockDuration', ['client', 'denyCache'], 'denyCache'],
  ['execEvenly delayMs maxDelayMs delayAfter', PLUGIN, 'wait'],
  ['maxQueueSize queueSize highWater', ['maxWaiting', 'store'], 'maxWaiting'],
  ['concurrency maxConcurrent', PLUGIN, "algorithm: 'concurrency', limit"],
  ['intervalCap reservoir', PLUGIN, 'rate'],
  ['skipSuccessfulRequests', PLUGIN, "charge: 'failed'"],
  ['skipFailedRequests', PLUGIN, "charge: 'succeeded'"],
]
for (const [names, known, meant] of FOREIGN) {
  test(`options that other limiters call ${names} are called ${meant} here`, async (t) => {
    for (const name of names.split(' ')) {
      t.equal(
        message([name], known),
        `unknown option '${name}'; did you mean '${meant}'?; allowed: ${known.join(', ')}`,
      )
    }
  })
}

test("another limiter's option gets no hint where no option of ours stands for it", async (t) => {
  for (const name of ['allowList', 'redis', 'keyGenerator', 'constructor', 'toString'])
    t.equal(message([name], ['rate', 'per']), `unknown option '${name}'; allowed: rate, per`)
})

test('an inherited option is refused, and one in Object.prototype is ignored', async (t) => {
  class Options {
    get rate() {
      return 5
    }
  }
  for (const options of [new Options(), Object.create({ rate: 5 }), Object.create({ rate: undefined })]) {
    t.throws(() => ownOptions(options, ['rate'], 'limiters.x.'), {
      code: 'FST_FLOODGATE_OPTION',
      message: "option 'limiters.x.rate' is inherited; allowed: a property of the object's own",
    })
  }
  await polluted({ rate: 5 }, () => {
    const options: { rate?: number; per?: number } = ownOptions({ per: 1 }, ['rate', 'per'], '')
    t.same([options.rate, options.per], [undefined, 1])
    t.equal((ownOptions({ rate: 7 }, ['rate'], '') as { rate: number }).rate, 7)
  })
  t.equal(Object.getPrototypeOf(ownOptions({}, [], '')), null)
})

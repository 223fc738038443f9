import Fastify from 'fastify'
import { test } from 'tap'
import rateLimit, { memoryStore, type RateLimitOptions } from '../../../lib/index.js'

const OPTION = 'FST_FLOODGATE_OPTION'
const UNKNOWN = 'FST_FLOODGATE_UNKNOWN_OPTION'
const KEY = 'FST_FLOODGATE_UNKNOWN_KEY'

const key = () => 'x'

/** What is wrong, the options, the code, and what the message must say. */
type Misuse = [string, object, string, RegExp]

const NAMES: Misuse[] = [
  ['a misspelt option', { rte: 5 }, UNKNOWN, /'rte'; did you mean 'rate'\?; allowed: .*rate, per, burst/],
  ['a plural', { limiter: {} }, UNKNOWN, /'limiter'; did you mean 'limiters'\?/],
  ['a wrong case', { ipv6prefix: 64 }, UNKNOWN, /'ipv6prefix'; did you mean 'ipv6Prefix'\?/],
  [
    'options of another limiter, all at once',
    { max: 5, timeWindow: 1000, redis: {} },
    UNKNOWN,
    /'max' \(did you mean 'rate'\?\), 'timeWindow' \(did you mean 'per'\?\), 'redis' \(did you mean 'store: redisStore\(\{ client \}\)'\?\); allowed: /,
  ],
  ['none of Fastify, which are not listed', { rte: 5 }, UNKNOWN, /^(?!.*(, prefix|logLevel|logSerializers))/],
  ['a name for the default limiter', { name: 'api' }, UNKNOWN, /'name'/],
  [
    'a misspelt option of a limiter',
    { limiters: { x: { brust: 5 } } },
    UNKNOWN,
    /'limiters\.x\.brust'.*'burst'\?/,
  ],
  ['one in a list', { limiters: { x: [{ rate: 5 }, { perr: 1 }] } }, UNKNOWN, /'limiters\.x.*perr'.*'per'\?/],
  ['a misspelt option of the guard', { guard: { rats: 5 } }, UNKNOWN, /'guard\.rats'; did you mean 'rate'\?/],
  ['a key for the guard', { guard: { key: 'ip' } }, UNKNOWN, /'guard\.key'.*allowed: .*rate/],
  [
    'a misspelt strategy',
    { keys: { apiKey: key }, key: 'apikey' },
    KEY,
    /'key'.*'apikey'; did you mean 'apiKey'\?; known: ip, global, apiKey/,
  ],
  ['an unknown strategy', { key: 'nobodyKnows' }, KEY, /'nobodyKnows'; known: ip, global$/],
  [
    'one of a limiter',
    { limiters: { x: { key: 'globl' } } },
    KEY,
    /'limiters\.x\.key'.*'globl'; did you mean 'global'\?/,
  ],
  ['a misspelt hook', { hook: 'prehandler' }, OPTION, /'hook' is 'prehandler'; did you mean 'preHandler'\?/],
  [
    'a hook that comes too late',
    { hook: 'onSend' },
    OPTION,
    /'hook' is 'onSend'; allowed: .*preValidation.*preHandler/,
  ],
  [
    'one of a limiter',
    { limiters: { x: { hook: 'prevalidation' } } },
    OPTION,
    /'limiters\.x\.hook'.*did you mean 'preValidation'/,
  ],
  [
    'an unknown algorithm',
    { algorithm: 'fixed-window' },
    OPTION,
    /'algorithm' is 'fixed-window'.*; allowed: 'token-bucket', 'sliding-window' or 'concurrency'/,
  ],
  [
    'an unknown header family',
    { headers: ['x-ratelimt'] },
    OPTION,
    /'headers' is 'x-ratelimt'; allowed: .*x-ratelimit/,
  ],
  ['an unknown body', { body: 'html' }, OPTION, /'body' is 'html'; allowed: 'fastify'/],
  ['offenders that are true', { offenders: true }, OPTION, /'offenders' is true; allowed: an object/],
  [
    'an unknown option of offenders',
    { offenders: { max: 5 } },
    UNKNOWN,
    /'offenders\.max'; allowed: size, per, show/,
  ],
  [
    'no offenders',
    { offenders: { size: 0 } },
    OPTION,
    /'offenders\.size' is 0; allowed: an integer from 1 to 10000/,
  ],
  ['too many offenders', { offenders: { size: 10_001 } }, OPTION, /'offenders\.size' is 10001/],
  ['a period that is none', { offenders: { per: 'fortnight' } }, OPTION, /'offenders\.per' is 'fortnight'/],
  [
    'text that is no function',
    { offenders: { show: 'key' } },
    OPTION,
    /'offenders\.show' is 'key'; allowed: a function/,
  ],
]

const window = 'sliding-window'
const SHAPES: Misuse[] = [
  ['a burst with a sliding window', { algorithm: window, burst: 5 }, OPTION, /'burst' is 5.*sliding-window/],
  [
    'one of a limiter',
    { limiters: { x: { algorithm: window, burst: 5 } } },
    OPTION,
    /'limiters\.x\.burst' is 5/,
  ],
  ['one of the guard', { guard: { algorithm: window, burst: 5 } }, OPTION, /'guard\.burst' is 5/],
  ['limiters that are no object', { limiters: 5 }, OPTION, /'limiters' is 5/],
  ['limiters that are null', { limiters: null }, OPTION, /'limiters' is null/],
  ['limiters in a list', { limiters: [{ rate: 5 }] }, OPTION, /'limiters' is a list/],
  ['a limiter that is a number', { limiters: { x: 5 } }, OPTION, /'limiters\.x' is 5/],
  ['a limiter that is null', { limiters: { x: null } }, OPTION, /'limiters\.x' is null/],
  ['a limiter that is undefined', { limiters: { x: undefined } }, OPTION, /'limiters\.x' is undefined/],
  ['a limiter that is false', { limiters: { x: false } }, OPTION, /'limiters\.x' is false/],
  [
    'a limiter without policies',
    { limiters: { x: [] } },
    OPTION,
    /'limiters\.x' is an empty list; allowed: .*one/,
  ],
  ['a policy that is null', { limiters: { x: [{}, null] } }, OPTION, /'limiters\.x.* is null/],
  ['a policy that is a list', { limiters: { x: [[{ rate: 5 }]] } }, OPTION, /'limiters\.x.* is a list/],
  [
    'a limiter called default',
    { limiters: { default: {} } },
    OPTION,
    /'limiters\.default'.*other than default and guard/,
  ],
  ['a limiter called guard', { limiters: { guard: {} } }, OPTION, /'limiters\.guard'/],
  ['a limiter without name', { limiters: { '': {} } }, OPTION, /''; allowed: .*printable ASCII/],
  ['a name outside ASCII', { limiters: { é: {} } }, OPTION, /'é'.*printable ASCII/],
  [
    'two policies of one name',
    { limiters: { x: [{ rate: 5 }, { rate: 5 }] } },
    OPTION,
    /'limiters\.x\[1\]\.name' is 'x-5-per-minute'/,
  ],
  [
    'two keys in one limiter',
    { limiters: { x: [{ key: 'ip' }, { key: 'global' }] } },
    OPTION,
    /'limiters\.x\[\]\.key' is 'global'; allowed: .* for all policies/,
  ],
  [
    'two costs in one limiter',
    { limiters: { x: [{ cost: 1 }, { cost: 2 }] } },
    OPTION,
    /'limiters\.x\[\]\.cost'/,
  ],
  ['a guard that is true', { guard: true }, OPTION, /'guard' is true/],
  ['a guard that is null', { guard: null }, OPTION, /'guard' is null/],
  ['a guard in a list', { guard: [{ rate: 5 }] }, OPTION, /'guard' is a list/],
  ['keys that are no object', { keys: key }, OPTION, /'keys' is a function/],
  ['keys in a list', { keys: [key] }, OPTION, /'keys' is a list/],
  ['keys that are null', { keys: null }, OPTION, /'keys' is null/],
  [
    'a strategy that is no function',
    { keys: { user: 'x-user' } },
    OPTION,
    /'keys\.user' is 'x-user'; allowed: a function/,
  ],
  ['a strategy called ip', { keys: { ip: key } }, OPTION, /'keys\.ip'.*other than/],
  ['a strategy called global', { keys: { global: key } }, OPTION, /'keys\.global'/],
  [
    'a strategy with a space',
    { keys: { 'api key': key } },
    OPTION,
    /'keys' is 'api key'; allowed: .*letters/,
  ],
  ['exempt that is a string', { exempt: '/docs' }, OPTION, /'exempt' is '\/docs'; allowed: a list/],
  ['an exempt URL without slash', { exempt: ['docs'] }, OPTION, /'exempt' is 'docs'; .*begin with '\/'/],
  ['an exempt URL with a star inside', { exempt: ['/a/*/b'] }, OPTION, /'exempt' is '\/a\/\*\/b'/],
  ['an exempt URL that is none', { exempt: [/docs/] }, OPTION, /'exempt' is an object/],
  ['env that is no string', { env: true }, OPTION, /'env' is true; allowed: .*string/],
  ['env that is null', { env: null }, OPTION, /'env' is null/],
  ['a store that is a name', { store: 'redis' }, OPTION, /'store' is 'redis'; allowed: .*memoryStore/],
  ['a store that is empty', { store: {} }, OPTION, /'store' is an object/],
  ['a store that is null', { store: null }, OPTION, /'store' is null/],
  ['a store that cannot open', { store: { take() {} } }, OPTION, /'store' is an object/],
  [
    'a client of Redis as store',
    { store: { evalsha() {} } },
    OPTION,
    /'store' is an object; allowed: redisStore\(\{ client \}\), not the client itself/,
  ],
  ['a client of node-redis as store', { store: { evalSha() {} } }, OPTION, /redisStore\(\{ client \}\)/],
  ['a store that is not called', { store: memoryStore }, OPTION, /'store' is a function/],
  [
    'headers that are a string',
    { headers: 'x-ratelimit' },
    OPTION,
    /'headers' is 'x-ratelimit'; allowed: a list/,
  ],
  ['headers that are false', { headers: false }, OPTION, /'headers' is false/],
  ['a header family that is a number', { headers: [5] }, OPTION, /'headers' is 5/],
  ['a body that is null', { body: null }, OPTION, /'body' is null/],
  ['onDenied that is no function', { onDenied: 'log' }, OPTION, /'onDenied' is 'log'; allowed: a function/],
  ['onDenied that is null', { onDenied: null }, OPTION, /'onDenied' is null/],
  ['a burst that takes a life to refill', { rate: 1, per: '366 days', burst: 100 }, OPTION, /'burst' is 100/],
  [
    'a window too large to remember',
    { algorithm: window, rate: 1_000_001, per: 'day' },
    OPTION,
    /'rate' is 1000001/,
  ],
  ['a long value, in short', { algorithm: 'a'.repeat(5000) }, OPTION, /^.{1,250}$/],
]

for (const [what, options, code, message] of [...NAMES, ...SHAPES]) {
  test(`refused: ${what} (${JSON.stringify(options).slice(0, 80)})`, async (t) => {
    const app = Fastify()
    t.teardown(() => app.close())
    const error = await app.register(rateLimit, options as RateLimitOptions).then(
      () => null,
      (error) => error,
    )
    t.equal(error?.code, code)
    t.match(error?.message, message)
  })
}

test('options that Fastify reads itself are no mistakes', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const options = { prefix: '/v1', logLevel: 'warn', logSerializers: {} } as const
  t.equal(await app.register(rateLimit, options).then(() => 'registered'), 'registered')
})

test('a second registration in the same scope is refused', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(rateLimit)
  const second = app.register(rateLimit).then(() => 'registered')
  await t.rejects(Promise.resolve(second), {
    code: 'FST_FLOODGATE_DUPLICATE',
    message: /register one rate limiter a scope/,
  })
})

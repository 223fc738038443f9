import createError from '@fastify/error'
import { hint, show } from '../policy/index.js'

const UnknownKey = createError<string[]>(
  'FST_FLOODGATE_UNKNOWN_KEY',
  "option '%s' names no key strategy: %s%s; known: %s",
  500,
)
const BadEnv = createError(
  'FST_FLOODGATE_ENV',
  'environment variable %s is %s; allowed: a positive integer, at most %s',
  500,
)
const Twice = createError(
  'FST_FLOODGATE_DUPLICATE',
  "app.rateLimit is already there in this scope: register one rate limiter a scope, and its limiters in 'limiters'",
  500,
)
const Decorated = createError(
  'FST_FLOODGATE_DUPLICATE',
  'request.rateLimit is there already: another plugin, or another copy of this package, made it; allowed: one of them in a scope and those around it',
  500,
)
const EarlyRoute = createError(
  'FST_FLOODGATE_EARLY_ROUTE',
  'route %s was declared before fastify-floodgate was loaded and its limiter cannot be placed in this version of Fastify: await app.register() first',
  500,
)

const LateHook = createError(
  'FST_FLOODGATE_LATE_HOOK',
  'app.rateLimit.hook() got a policy after the app was ready, where it would make a new limiter each time; allowed: the name of a limiter. Make the handler once, before the app is ready, or name a limiter of the option limiters',
  500,
)

const ThrownValue = createError(
  'FST_FLOODGATE_FUNCTION',
  'a function of the limiter %s threw or rejected with %s; allowed: an Error',
  500,
)
const NoDone = createError(
  'FST_FLOODGATE_HOOK',
  'the handler of app.rateLimit.hook() was called without a callback as its third argument; allowed: as a hook onRequest, preValidation or preHandler of an app or a route',
  500,
)

export function unknownKey(option: string, name: unknown, known: readonly string[]): Error {
  return new UnknownKey(
    option,
    show(name),
    typeof name === 'string' ? hint(name, known) : '',
    known.join(', '),
  )
}

export function badEnv(variable: string, value: string, most: number): Error {
  return new BadEnv(variable, show(value), most)
}

export function registeredTwice(): Error {
  return new Twice()
}

export function requestDecorated(): Error {
  return new Decorated()
}

export function earlyRoute(url: string): Error {
  return new EarlyRoute(url)
}

export function lateHook(): Error {
  return new LateHook()
}

/**
 * The error of a request where a function of these limiters failed. Functions may throw anything, and Fastify
 * would go on with a request whose error is `undefined`, `null` or another value that is false.
 */
export function asError(thrown: unknown, limiters: string): Error {
  if (typeof thrown === 'object' && thrown !== null) return thrown as Error
  return new ThrownValue(limiters, show(thrown))
}

export function noDone(): Error {
  return new NoDone()
}

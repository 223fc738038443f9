import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { RateLimitConsoleOptions } from '../../types/console-plugin.js'
import { invalidOption, ownOptions } from '../policy/index.js'

const OWN = ['onRequest', 'public', 'who']
/** Options that Fastify itself reads from any plugin. */
const FASTIFY = ['prefix', 'logLevel', 'logSerializers']

/** The options of the console, checked. */
export interface ConsoleSettings {
  /** What lets operators through. Empty where the console is public. */
  readonly guards: readonly onRequestHookHandler[]
  readonly who: (request: FastifyRequest) => string | undefined
}

/** Checks the options of the console. Throws as other options do. */
export function readOptions(given: RateLimitConsoleOptions): ConsoleSettings {
  const options = ownOptions(given, OWN, 'console.', FASTIFY)
  const { onRequest, public: isPublic = false, who = () => undefined } = options
  if (typeof isPublic !== 'boolean') throw invalidOption('console.public', isPublic, 'true or false')
  if (typeof who !== 'function') throw invalidOption('console.who', who, 'a function of the request')
  if (onRequest === undefined && isPublic) return { guards: [], who }
  const guards = [onRequest].flat() as onRequestHookHandler[]
  if (guards.length === 0 || !guards.every((guard) => typeof guard === 'function'))
    throw invalidOption(
      'console.onRequest',
      onRequest,
      'a hook, or a list of hooks, that lets only operators through; or `public: true`, for a console that everybody may use',
    )
  return { guards, who }
}

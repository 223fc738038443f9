import type { FastifyRequest } from 'fastify'
import type { KeyStrategy } from '../../../types/index.js'
import { invalidOption } from '../../policy/index.js'
import { unknownKey } from '../errors.js'
import { ipKey } from './ip.js'
import { PATIENCE, type WarningCode, type Warnings } from './warnings.js'

/** A key strategy that never fails: `null` stands for no key. */
export interface Strategy {
  readonly name: string
  /** Whether it is built in or one of the option `keys`; a function in place of a name is not. */
  readonly isNamed: boolean
  /** Known before anything else has run, so that its limiters run on arrival. */
  readonly onArrival: boolean
  read(request: FastifyRequest): string | null | Promise<string | null>
}

const NAME = /^[A-Za-z][\w-]{0,63}$/

/** The strategies of one registration: `ip`, `global`, and the user's. */
export class Strategies {
  readonly ip: Strategy
  /** Each as a limiter, by its name, gets it. */
  readonly #named = new Map<string, (limiter: string) => Strategy>()
  readonly #warnings: Warnings

  constructor(keys: Record<string, KeyStrategy>, ipv6Prefix: number, warnings: Warnings) {
    this.#warnings = warnings
    this.ip = { name: 'ip', isNamed: true, onArrival: true, read: (request) => ipKey(request.ip, ipv6Prefix) }
    const all: Strategy = { name: 'global', isNamed: true, onArrival: true, read: () => 'global' }
    this.#named.set('ip', () => this.ip)
    this.#named.set('global', () => all)
    for (const [name, strategy] of Object.entries(keys)) {
      if (this.#named.has(name))
        throw invalidOption(`keys.${name}`, name, "names other than 'ip' and 'global'")
      if (!NAME.test(name))
        throw invalidOption('keys', name, 'names of letters, digits, - and _ that begin with a letter')
      if (typeof strategy !== 'function')
        throw invalidOption(`keys.${name}`, strategy, 'a function of the request')
      this.#named.set(name, (limiter) => this.#wrap(name, strategy, limiter, true))
    }
  }

  /** The strategy that a `key` option means; `option` is its path in errors, `limiter` the name of whom it is for. */
  resolve(key: unknown, option: string, limiter: string): Strategy {
    if (typeof key === 'function')
      return this.#wrap(`of ${option} (${limiter})`, key as KeyStrategy, limiter, false)
    const strategy = typeof key === 'string' ? this.#named.get(key) : undefined
    if (strategy === undefined) throw unknownKey(option, key, [...this.#named.keys()])
    return strategy(limiter)
  }

  /** The user's function as `limiter` calls it. */
  #wrap(name: string, strategy: KeyStrategy, limiter: string, isNamed: boolean): Strategy {
    let found = false
    let missing = 0
    const none = (code: WarningCode, detail?: string) => {
      this.#warnings.once(code, name, detail)
      if (!found && ++missing === PATIENCE) this.#warnings.once('FST_FLOODGATE_W006', limiter, name)
      return null
    }
    const clean = (value: unknown) => {
      const key = keyOf(value)
      if (key === null) return none('FST_FLOODGATE_W002', kindOf(value))
      found = true
      return key
    }
    const failed = (error: unknown) =>
      none('FST_FLOODGATE_W003', error instanceof Error ? error.name : typeof error)
    const read = (request: FastifyRequest) => {
      try {
        const key = strategy(request)
        return typeof key !== 'string' && isPromise(key)
          ? Promise.resolve(key).then(clean, failed)
          : clean(key)
      } catch (error) {
        return failed(error)
      }
    }
    return { name, isNamed, onArrival: false, read }
  }
}

/** A key, or null for what is none. An object is none: all objects would be one key. */
function keyOf(value: unknown): string | null {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value))) return String(value)
  return null
}

/** What came instead of a key, without the value; empty for nothing at all. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return ''
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return 'NaN'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Is it a promise, of whatever make? */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

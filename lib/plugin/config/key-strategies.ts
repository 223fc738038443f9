import type { FastifyRequest } from 'fastify'
import type { KeyStrategy } from '../../../types/index.js'
import { Networks } from '../../address/index.js'
import { invalidOption } from '../../policy/index.js'
import { unknownKey } from '../errors.js'
import { isPromise } from '../is-promise.js'
import { MOST_MISSES, type WarningCode, type Warnings } from './warnings.js'

/** A key strategy that never fails: `null` stands for no key. */
export interface Strategy {
  readonly name: string
  /** Whether it is built in or one of the option `keys`; a function in place of a name is not. */
  readonly isNamed: boolean
  /** Whether the key is known before any other hook has run, so that its limiters run on arrival. */
  readonly onArrival: boolean
  /** `quiet`: without a warning if there is no key, because the request is asked again later. */
  read(request: FastifyRequest, quiet?: boolean): string | null | Promise<string | null>
}

/** The key strategy `ip`. */
export class IpStrategy implements Strategy {
  readonly name = 'ip'
  readonly isNamed = true
  readonly onArrival = true
  readonly #networks: Networks

  constructor(ipv6Prefix: number) {
    this.#networks = new Networks(ipv6Prefix)
  }

  read(request: FastifyRequest): string {
    return this.#networks.keyOf(request.ip)
  }

  /** As `Networks.corrected`. */
  corrected(key: string): string | null {
    return this.#networks.corrected(key)
  }
}

/** The key strategy `global`: one key for all requests. */
class GlobalStrategy implements Strategy {
  readonly name = 'global'
  readonly isNamed = true
  readonly onArrival = true

  read(): string {
    return 'global'
  }
}

/** A function of the user's, as one limiter calls it. */
class UserStrategy implements Strategy {
  readonly name: string
  readonly isNamed: boolean
  readonly onArrival = false
  readonly #strategy: KeyStrategy
  readonly #limiter: string
  readonly #warnings: Warnings
  /** Whether any request had a key. */
  #found = false
  #missing = 0

  constructor(name: string, strategy: KeyStrategy, isNamed: boolean, limiter: string, warnings: Warnings) {
    this.name = name
    this.isNamed = isNamed
    this.#strategy = strategy
    this.#limiter = limiter
    this.#warnings = warnings
  }

  read(request: FastifyRequest, quiet = false): string | null | Promise<string | null> {
    try {
      const strategy = this.#strategy
      const key = strategy(request)
      if (typeof key === 'string' || !isPromise(key)) return this.#check(key, quiet)
      return Promise.resolve(key).then(
        (key) => this.#check(key, quiet),
        (error) => this.#fail(error, quiet),
      )
    } catch (error) {
      return this.#fail(error, quiet)
    }
  }

  #check(value: unknown, quiet: boolean): string | null {
    const key = keyOf(value)
    if (key !== null) this.#found = true
    else if (!quiet) this.#miss('FST_FLOODGATE_W002', kindOf(value))
    return key
  }

  #fail(error: unknown, quiet: boolean): null {
    return quiet ? null : this.#miss('FST_FLOODGATE_W003', error instanceof Error ? error.name : typeof error)
  }

  #miss(code: WarningCode, detail: string): null {
    this.#warnings.once(code, this.name, detail)
    if (!this.#found && ++this.#missing === MOST_MISSES)
      this.#warnings.once('FST_FLOODGATE_W006', this.#limiter, this.name)
    return null
  }
}

const NAME = /^[A-Za-z][\w-]{0,63}$/

/** The strategies of one registration: `ip`, `global`, and the user's. */
export class Strategies {
  readonly ip: IpStrategy
  readonly #builtIn: ReadonlyMap<unknown, Strategy>
  readonly #own = new Map<unknown, KeyStrategy>()
  readonly #warnings: Warnings

  constructor(keys: Record<string, KeyStrategy>, ipv6Prefix: number, warnings: Warnings) {
    this.#warnings = warnings
    this.ip = new IpStrategy(ipv6Prefix)
    this.#builtIn = new Map([this.ip, new GlobalStrategy()].map((strategy) => [strategy.name, strategy]))
    for (const [name, strategy] of Object.entries(keys)) {
      if (this.#builtIn.has(name))
        throw invalidOption(`keys.${name}`, name, "names other than 'ip' and 'global'")
      if (!NAME.test(name))
        throw invalidOption('keys', name, 'names of letters, digits, - and _ that begin with a letter')
      if (typeof strategy !== 'function')
        throw invalidOption(`keys.${name}`, strategy, 'a function of the request')
      this.#own.set(name, strategy)
    }
  }

  /**
   * The strategy that a `key` option means; `option` is its path in errors, `limiter` the name of its
   * limiter.
   */
  resolve(key: unknown, option: string, limiter: string): Strategy {
    const isFunction = typeof key === 'function'
    const own = isFunction ? (key as KeyStrategy) : this.#own.get(key)
    if (own !== undefined) {
      const name = isFunction ? `of ${option} (${limiter})` : String(key)
      return new UserStrategy(name, own, !isFunction, limiter, this.#warnings)
    }
    const strategy = this.#builtIn.get(key)
    if (strategy === undefined)
      throw unknownKey(option, key, [...this.#builtIn.keys(), ...this.#own.keys()] as string[])
    return strategy
  }
}

/** The key that a value stands for, or null for none. All objects would be one key, so an object is none. */
function keyOf(value: unknown): string | null {
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value))) return String(value)
  return null
}

/** The kind of a value that is no key, without the value; empty for nothing at all. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return ''
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return 'NaN'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

import type { FastifyRequest } from 'fastify'
import type { RoutePolicy } from '../../../types/index.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import type { WarningCode, Warnings } from '../config/warnings.js'
import { isPromise } from '../is-promise.js'
import type { RequestRegistry } from '../registry.js'
import type { Choice, Step, StepChooser } from './plan.js'
import type { ReturnedPolicies } from './returned-policies.js'
import { stepsOf } from './steps-of.js'

type RouteFunction = (request: FastifyRequest) => unknown

/**
 * A function in `config.rateLimit`, which chooses the limiters of each request of its route. What it returns
 * may come from the client: it is not shown, and a mistake is charged to the default limiter.
 */
export class Chooser implements StepChooser {
  readonly #rateLimit: RouteFunction
  readonly #place: string
  readonly #registry: RequestRegistry
  readonly #policies: ReturnedPolicies
  readonly #warnings: Warnings
  /** The steps of limiters that were named. */
  readonly #named = new Map<string, Step | null>()

  /** `place` is where the function stands; `name` is that of the limiters for the policies it returns. */
  constructor(
    rateLimit: RouteFunction,
    place: string,
    name: string,
    registry: RequestRegistry,
    warnings: Warnings,
  ) {
    this.#rateLimit = rateLimit
    this.#place = place
    this.#registry = registry
    this.#policies = registry.returnedPolicies(name)
    this.#warnings = warnings
  }

  choose(request: FastifyRequest, mayPostpone: boolean): Choice | Promise<Choice> {
    const rateLimit = this.#rateLimit
    try {
      const value = rateLimit(request)
      if (!isPromise(value)) return this.#choiceOf(value, mayPostpone)
      return Promise.resolve(value).then(
        (value) => this.#choiceOf(value, mayPostpone),
        (error) => this.#fail(error, mayPostpone),
      )
    } catch (error) {
      return this.#fail(error, mayPostpone)
    }
  }

  /** With `mayPostpone`, what it reads may not be there yet. */
  #choiceOf(value: unknown, mayPostpone: boolean): Choice {
    return mayPostpone && (value === undefined || value === null) ? undefined : this.#stepsOf(value)
  }

  #fail(error: unknown, mayPostpone: boolean): Choice {
    if (mayPostpone) return undefined
    return this.#mistake('FST_FLOODGATE_W017', error instanceof Error ? error.name : typeof error)
  }

  #stepsOf(value: unknown): Step | null {
    if (value === false) return null
    if (typeof value === 'string') return this.#stepsOfNamed(value)
    if (typeof value !== 'object' || value === null) return this.#mistake('FST_FLOODGATE_W009')
    const items: readonly unknown[] = Array.isArray(value) ? value : [value]
    const names = items.filter((item) => typeof item === 'string')
    if (items.length === 0 || new Set(names).size < names.length)
      return this.#mistake('FST_FLOODGATE_W016', 'rateLimit')
    const members: RequestLimiter[] = []
    for (const item of items) {
      const member =
        typeof item === 'string'
          ? this.#registry.named(item)
          : this.#policies.of(item as RoutePolicy, members.length)
      if (member === undefined) return this.#mistake('FST_FLOODGATE_W009')
      if (member instanceof Error) return this.#mistake('FST_FLOODGATE_W016', optionOf(member))
      members.push(member)
    }
    return this.#newSteps(members)
  }

  #stepsOfNamed(name: string): Step | null {
    const known = this.#named.get(name)
    if (known !== undefined) return known
    const member = this.#registry.named(name)
    if (member === undefined) return this.#mistake('FST_FLOODGATE_W009')
    const steps = this.#newSteps([member])
    this.#named.set(name, steps)
    return steps
  }

  #newSteps(members: readonly RequestLimiter[]): Step | null {
    return stepsOf(members, (members) => this.#registry.stage(members), true)
  }

  #mistake(code: WarningCode, detail = ''): Step | null {
    this.#warnings.once(code, this.#place, detail)
    return this.#stepsOfNamed('default')
  }
}

/** The option that an error names first, in quotes, without its value. */
function optionOf({ message }: Error): string {
  return String(message.split("'", 2)[1])
}

import type { FastifyRequest } from 'fastify'
import type { Warnings } from '../config/warnings.js'
import { isPromise } from '../is-promise.js'
import type { RequestRegistry } from '../registry.js'
import type { Step, StepChooser } from './plan.js'

/** The steps of the limiters that the functions of routes choose. */
export class ChosenSteps {
  readonly #registry: RequestRegistry
  readonly #warnings: Warnings
  readonly #steps = new Map<unknown, Step>()

  constructor(registry: RequestRegistry, warnings: Warnings) {
    this.#registry = registry
    this.#warnings = warnings
  }

  /**
   * The step of the limiter `name`, or of the default limiter for a value that names none. The value may come
   * from the client: it is neither kept nor shown.
   */
  of(name: unknown, url: string): Step {
    const known = this.#steps.get(name)
    if (known !== undefined) return known
    const member = this.#registry.named(name)
    if (member === undefined) {
      this.#warnings.once('FST_FLOODGATE_W009', url)
      return this.of('default', url)
    }
    const point = member.point === 'arrival' ? 'onRequest' : member.point
    const step: Step = { point, stage: this.#registry.stage([member]), chooser: null, next: null }
    this.#steps.set(name, step)
    return step
  }
}

/** A function in `config.rateLimit`, which chooses a limiter for each request of its route. */
export class Chooser implements StepChooser {
  readonly #rateLimit: (request: FastifyRequest) => unknown
  readonly #url: string
  readonly #chosen: ChosenSteps

  constructor(rateLimit: (request: FastifyRequest) => unknown, url: string, chosen: ChosenSteps) {
    this.#rateLimit = rateLimit
    this.#url = url
    this.#chosen = chosen
  }

  choose(request: FastifyRequest): Step | null | Promise<Step | null> {
    const rateLimit = this.#rateLimit
    const name = rateLimit(request)
    return isPromise(name) ? Promise.resolve(name).then((name) => this.#stepOf(name)) : this.#stepOf(name)
  }

  #stepOf(name: unknown): Step | null {
    return name === false ? null : this.#chosen.of(name, this.#url)
  }
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import { isPromise } from '../is-promise.js'
import type { Step } from '../routes/plan.js'
import type { Done, Point } from './points.js'

/** The steps that are left for each request of one registration, and the hooks that take them. */
export class Steps {
  readonly #left = Symbol('floodgate.steps')

  readonly preValidation = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    this.take(request, reply, 'preValidation', done)
  }

  readonly preHandler = (request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    this.take(request, reply, 'preHandler', done)
  }

  set(request: FastifyRequest, step: Step | null): void {
    ;(request as unknown as Record<symbol, Step | null>)[this.#left] = step
  }

  /** Takes the step of a request at `point`, if there is one: once, however often the hook is called. */
  take(request: FastifyRequest, reply: FastifyReply, point: Point, done: Done): void {
    const step = (request as unknown as Record<symbol, Step | null | undefined>)[this.#left]
    if (step === undefined || step === null || step.point !== point) return done()
    this.set(request, step.next)
    if (step.stage !== null) return step.stage.decide(request, reply, done)
    const takeChosen = (chosen: Step | null) => {
      this.set(request, chosen)
      this.take(request, reply, point, done)
    }
    const chosen = step.chooser?.choose(request) ?? null
    if (isPromise(chosen)) chosen.then(takeChosen).catch(done)
    else takeChosen(chosen)
  }
}

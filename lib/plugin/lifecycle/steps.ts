import type { FastifyReply, FastifyRequest } from 'fastify'
import { isPromise } from '../is-promise.js'
import { markOwn } from '../own-hooks.js'
import { type Choice, insertStep, type Step, withLater } from '../routes/plan.js'
import { type Done, isBefore, type Point } from './points.js'

/** The steps that are left for each request of one registration, and the hooks that take them. */
export class Steps {
  readonly #left = Symbol('floodgate.steps')

  readonly preParsing = markOwn(
    (request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: Done): void => {
      this.take(request, reply, 'preParsing', done)
    },
  )

  readonly preValidation = markOwn((request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    this.take(request, reply, 'preValidation', done)
  })

  readonly preHandler = markOwn((request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    this.take(request, reply, 'preHandler', done)
  })

  set(request: FastifyRequest, step: Step | null): void {
    ;(request as unknown as Record<symbol, Step | null>)[this.#left] = step
  }

  /** Takes the steps of a request up to `point`: each once, however often the hook is called. */
  take(request: FastifyRequest, reply: FastifyReply, point: Point, done: Done): void {
    const step = this.#of(request)
    if (step === null || isBefore(point, step.point)) return done()
    this.set(request, step.next)
    const isLast = step.next === null || isBefore(point, step.next.point)
    const goOn: Done = isLast
      ? done
      : (error) => (error === undefined ? this.take(request, reply, point, done) : done(error))
    const postpone = this.#postponeOf(request, step, point, goOn)
    if (step.stage !== null) step.stage.decide(request, reply, goOn, postpone)
    else this.#choose(request, reply, step, point, done, postpone)
  }

  #of(request: FastifyRequest): Step | null {
    return (request as unknown as Record<symbol, Step | null | undefined>)[this.#left] ?? null
  }

  /** Puts a step off to the next point at which it is asked again; null if there is none. */
  #postponeOf(request: FastifyRequest, step: Step, point: Point, goOn: Done): (() => void) | null {
    const next = step.later.find((later) => isBefore(point, later))
    if (next === undefined) return null
    return () => {
      this.set(request, insertStep(this.#of(request), { ...step, point: next }))
      goOn()
    }
  }

  #choose(
    request: FastifyRequest,
    reply: FastifyReply,
    step: Step,
    point: Point,
    done: Done,
    postpone: (() => void) | null,
  ): void {
    const takeChosen = (choice: Choice) => {
      if (choice === undefined) return postpone?.()
      for (let chosen = withLater(choice, step.later); chosen !== null; chosen = chosen.next)
        this.set(request, insertStep(this.#of(request), chosen))
      this.take(request, reply, point, done)
    }
    const choice = step.chooser?.choose(request, postpone !== null)
    if (isPromise(choice)) choice.then(takeChosen).catch(done)
    else takeChosen(choice)
  }
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AllowedClients } from '../config/allowed-clients.js'
import { markOwn } from '../own-hooks.js'
import type { RoutePlans } from '../routes/route-plans.js'
import type { Done } from './points.js'
import type { ProxyWatch } from './proxy-watch.js'
import type { Stage } from './stage.js'
import type { Steps } from './steps.js'
import { isUnlimited } from './unlimited.js'

/** The hooks of one registration that every request meets. */
export class Gate {
  readonly #plans: RoutePlans
  readonly #guard: Stage | null
  readonly #steps: Steps
  readonly #allowed: AllowedClients
  readonly #proxyWatch: ProxyWatch

  constructor(
    plans: RoutePlans,
    guard: Stage | null,
    steps: Steps,
    allowed: AllowedClients,
    proxyWatch: ProxyWatch,
  ) {
    this.#plans = plans
    this.#guard = guard
    this.#steps = steps
    this.#allowed = allowed
    this.#proxyWatch = proxyWatch
  }

  /** The guard, then the limiters that can decide before any other hook has run. */
  readonly onRequest = markOwn((request: FastifyRequest, reply: FastifyReply, done: Done): void => {
    const plan = this.#plans.of(request)
    if (plan.exempt) return done()
    if (plan.isOpen) this.#plans.close(plan, request)
    const guard = this.#guard
    this.#proxyWatch.onRequest(request)
    // The only stage runs after the route's `onRequest` hooks.
    if (plan.onlyStage !== null && guard === null) return done()
    if (isUnlimited(request, this.#allowed)) return done()
    const { arrival, steps } = plan
    if (steps !== null) this.#steps.set(request, steps)
    if (guard === null) return arrival === null ? done() : arrival.decide(request, reply, done)
    if (arrival === null) return guard.decide(request, reply, done)
    guard.decide(request, reply, (error) =>
      error === undefined ? arrival.decide(request, reply, done) : done(error),
    )
  })

  /** The limiters that decide after all `onRequest` hooks, before the body is read. */
  readonly preParsing = markOwn(
    (request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: Done): void => {
      const { onlyStage } = this.#plans.of(request)
      if (onlyStage === null || this.#guard !== null) this.#steps.take(request, reply, 'onRequest', done)
      else if (isUnlimited(request, this.#allowed)) done()
      else onlyStage.decide(request, reply, done)
    },
  )
}

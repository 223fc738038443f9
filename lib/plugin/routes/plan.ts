import type { FastifyRequest } from 'fastify'
import type { HookName } from '../../../types/index.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import type { Point } from '../lifecycle/points.js'
import type { Stage } from '../lifecycle/stage.js'

/** A stage, or a stand-in for one. */
export type Decider = Pick<Stage, 'decide'>

/** The decisions about a request after its arrival: one point after the other, each of them once. */
export interface Step {
  readonly point: Point
  /** Null where `chooser` has yet to choose a limiter for the request. */
  readonly stage: Decider | null
  readonly chooser: StepChooser | null
  readonly next: Step | null
}

/** Chooses the step of a request; null for no limiter. */
export interface StepChooser {
  choose(request: FastifyRequest): Step | null | Promise<Step | null>
}

/**
 * The limiters that the requests of a route meet. Filled in again at `ready()` if they were not known before.
 */
export interface RoutePlan {
  /** Whether no limiter sees the route. */
  exempt: boolean
  arrival: Decider | null
  /** The first step after arrival. */
  steps: Step | null
  /** The stage after the `onRequest` hooks, where a route has no other. */
  onlyStage: Decider | null
  /** The route's own hooks that ours must follow. */
  hooks: readonly HookName[]
  /** All limiters of the route, but for those that a function chooses. */
  members: readonly RequestLimiter[]
}

const NOTHING = { arrival: null, steps: null, onlyStage: null, hooks: [], members: [] }
export const EXEMPT: RoutePlan = { exempt: true, ...NOTHING }
export const GUARD_ONLY: RoutePlan = { exempt: false, ...NOTHING }

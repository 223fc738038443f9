import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HookName } from '../../../types/index.js'
import type { RequestLimiter } from '../config/request-limiter.js'
import { type Done, isBefore, type LaterPoint, type Point } from '../lifecycle/points.js'

/** A stage, or a stand-in for one. */
export interface Decider {
  /**
   * Decides about a request. Calls `done` if it may go on, and replies if not. Where a key is missing and
   * `postpone` is given, calls that instead and charges nothing.
   */
  decide(request: FastifyRequest, reply: FastifyReply, done: Done, postpone?: (() => void) | null): void
}

/** The decisions about a request after its arrival: one point after the other, each of them once. */
export interface Step {
  readonly point: Point
  /** Null where `chooser` has yet to choose a limiter for the request. */
  readonly stage: Decider | null
  readonly chooser: StepChooser | null
  /** Where it is asked again if it cannot decide yet: after hooks that may authenticate. */
  readonly later: readonly LaterPoint[]
  readonly next: Step | null
}

/** Chooses the steps of a request. */
export interface StepChooser {
  /**
   * Null for no limiter. With `mayPostpone`: undefined if the request does not have yet what the choice
   * depends on.
   */
  choose(request: FastifyRequest, mayPostpone: boolean): Choice | Promise<Choice>
}

export type Choice = Step | null | undefined

/** A list of steps with another one, after all steps of its point. */
export function insertStep(list: Step | null, step: Step): Step {
  if (list === null || isBefore(step.point, list.point)) return { ...step, next: list }
  return { ...list, next: insertStep(list.next, step) }
}

/** The same steps, each to be asked again at the points in `later` that follow its own. */
export function withLater(list: Step | null, later: readonly LaterPoint[]): Step | null {
  if (list === null) return null
  const own = later.filter((point) => isBefore(list.point, point))
  return { ...list, later: own, next: withLater(list.next, later) }
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
  /** The stage after the `onRequest` hooks, where a route has no other and later hooks give it no key. */
  onlyStage: Decider | null
  /** The route's own hooks that ours must follow. */
  hooks: readonly HookName[]
  /** All limiters of the route, but for those that a function chooses. */
  members: readonly RequestLimiter[]
  /**
   * Whether the first request of the route has yet to show which of its hooks may give a key that is missing
   * before them.
   */
  isOpen: boolean
}

const NOTHING = { arrival: null, steps: null, onlyStage: null, hooks: [], members: [], isOpen: false }
export const EXEMPT: RoutePlan = { exempt: true, ...NOTHING }
export const GUARD_ONLY: RoutePlan = { exempt: false, ...NOTHING }

import type { HookName } from '../../../types/index.js'

/**
 * A place in the lifecycle of a request where limiters run, in this order. `preParsing` is after the hooks of
 * that name, as `preValidation` and `preHandler` are. `onRequest` is after the `onRequest` hooks, and before
 * any `preParsing` hook that comes after the plugin's.
 */
export type Point = 'arrival' | 'onRequest' | LaterPoint
/** A point at which a limiter is asked again whose key was missing before. */
export type LaterPoint = 'preParsing' | HookName

/** The places that the option `hook` may name, in this order. */
export const HOOKS: readonly HookName[] = ['preValidation', 'preHandler']
export const LATER: readonly LaterPoint[] = ['preParsing', ...HOOKS]

const ORDER: Readonly<Record<Point, number>> = {
  arrival: 0,
  onRequest: 1,
  preParsing: 2,
  preValidation: 3,
  preHandler: 4,
}

/** Whether `a` comes before `b` in the lifecycle. */
export function isBefore(a: Point, b: Point): boolean {
  return ORDER[a] < ORDER[b]
}

/** Continues the lifecycle of a request, or ends it with an error. */
export type Done = (error?: Error) => void

import type { HookName } from '../../../types/index.js'

/** A place in the lifecycle of a request where limiters run, in this order. */
export type Point = 'arrival' | 'onRequest' | HookName

/** The places that the option `hook` may name, in this order. */
export const HOOKS: readonly HookName[] = ['preValidation', 'preHandler']

/** Continues the lifecycle of a request, or ends it with an error. */
export type Done = (error?: Error) => void

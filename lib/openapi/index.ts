export { documentLimits, extendOperation, type LimitFacts, type RouteSchema } from './operation.js'
export type { Limit } from './sentences.js'

export { documentLimits, extendOperation, type LimitFacts, type RouteSchema } from './operation.js'

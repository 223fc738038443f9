export { decide, decisionOf, isTighter, newCharge, tightest } from './charges.js'
export { duplicateLimiter, unknownLimiter } from './errors.js'
export { compilePolicies, createLimiter, StoreLimiter } from './limiter.js'
export { Registry } from './registry.js'

export { decide, decisionOf, isTighter, newCharge, tightest } from './charges.js'
export { unknownLimiter } from './errors.js'
export { checkStore, compilePolicies, createLimiter, StoreLimiter } from './limiter.js'
export { Registry } from './registry.js'

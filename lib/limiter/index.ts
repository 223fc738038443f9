export { decisionOf, isTighter, newCharge, tightest, type Verdict } from './charges.js'
export { duplicateLimiter, unknownLimiter } from './errors.js'
export { compilePolicies, createLimiter, StoreLimiter } from './limiter.js'
export { Registry } from './registry.js'

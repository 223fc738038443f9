export {
  DENIED_CODE,
  type DenialFacts,
  type DenialStatus,
  denialMessage,
  fastifyBody,
  STATUSES,
  unavailableBody,
} from './denial.js'
export { DRAFT_11, limitItem, policyItem } from './draft-11.js'
export { exposeHeaders, FAMILIES } from './expose.js'
export { PROBLEM_TYPE, problemBody } from './problem.js'
export { retryAfterSeconds } from './retry-after.js'
export { resetSeconds, X_RATELIMIT } from './x-ratelimit.js'

export { DENIED_CODE, denialMessage, fastifyBody } from './denial.js'
export { retryAfterSeconds } from './retry-after.js'
export { resetSeconds, X_RATELIMIT } from './x-ratelimit.js'

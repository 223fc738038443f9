export { OVERRIDE_POLICY } from './change.js'
export { checkComment, checkWho, MOST_OVERRIDES, readInstant } from './document.js'
export { fileLimits } from './file-limits.js'
export { type LimitsTarget, LiveLimits } from './live.js'

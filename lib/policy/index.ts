export { blockLength, MOST_OFFENCES } from './block.js'
export {
  type CompiledPolicy,
  checkName,
  compilePolicy,
  FASTEST,
  LARGEST,
  lawNumbers,
  POLICY_OPTIONS,
} from './compile.js'
export { decisionOf, type Verdict } from './decision.js'
export { describe } from './describe.js'
export { isShadow } from './enforce.js'
export { type CodedError, checkCost, hint, invalidOption, invalidSecret, show, visible } from './errors.js'
export { ownOptions, refuseUnknown } from './options.js'
export { parsePeriod } from './period.js'
export type { Ring, SlidingWindow } from './sliding-window.js'
export * as slidingWindow from './sliding-window.js'
export type { TokenBucket } from './token-bucket.js'
export * as tokenBucket from './token-bucket.js'

export { newCharge } from './charge.js'
export {
  type After,
  after,
  afterWait,
  dateOf,
  millisOf,
  parseInstant,
  processMicros,
  systemClock,
  wallDate,
  wallMicros,
} from './clock.js'
export { GenerationalMap } from './generational-map.js'
export type { MemoryStoreOptions } from './memory/options.js'
export { memoryStore } from './memory/store.js'
export { emitWarning, evictionWarning, forgottenWarning } from './warning.js'

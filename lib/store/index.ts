export { newCharge } from './charge.js'
export { type MemoryStoreOptions, memoryStore } from './memory/store.js'
export { emitWarning, evictionWarning, forgottenWarning } from './warning.js'

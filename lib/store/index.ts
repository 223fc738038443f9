export { newCharge } from './charge.js'
export { type MemoryStoreOptions, memoryStore } from './memory/store.js'

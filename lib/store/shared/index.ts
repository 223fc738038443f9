export type { SharedMemoryOptions } from './layout.js'
export { createSharedMemory, type SharedMemory } from './memory.js'
export { type SharedStoreOptions, sharedStore } from './store.js'

export type { SharedMemoryOptions } from './memory/layout.js'
export { createSharedMemory, type SharedMemory } from './memory/shared-memory.js'
export { type SharedStoreOptions, sharedStore } from './store.js'

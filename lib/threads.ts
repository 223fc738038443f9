export {
  createSharedMemory,
  type SharedMemory,
  type SharedMemoryOptions,
  type SharedStoreOptions,
  sharedStore,
} from './store/shared/index.js'

export type { RedisClient } from './clients/connect.js'
export type { OnStoreFailure } from './local/fallback.js'
export type { RedisStoreOptions } from './options.js'
export { redisStore } from './store.js'

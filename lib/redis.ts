export type {} from '../types/redis.js'
export {
  type OnStoreFailure,
  type RedisClient,
  type RedisStoreOptions,
  redisStore,
} from './store/redis/index.js'

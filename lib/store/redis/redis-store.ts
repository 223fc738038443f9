import type { AsyncStore } from '../../../types/index.js'
import type { RedisStoreOptions } from './options.js'
import { RedisStore } from './store.js'

/**
 * A store in Redis or Valkey, shared by all processes that use the same `prefix`. Throws `FST_FLOODGATE_OPTION` for options that are
 * not allowed.
 *
 *     const store = redisStore({ client: new Redis('redis://127.0.0.1:6379') })
 */
export function redisStore(options: RedisStoreOptions): AsyncStore {
  return new RedisStore(options)
}

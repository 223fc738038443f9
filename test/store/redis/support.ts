import type { RedisClient } from '../../../lib/redis.js'
import { monotonicMicros } from '../../../lib/store/clock.js'
import type { RedisStoreOptions } from '../../../lib/store/redis/options.js'
import { RedisStore } from '../../../lib/store/redis/store.js'
import type { ManualClock } from '../../fixtures/manual-clock.js'

/** So far ahead of the server's time, in µs, that no key expires while a test thinks that it is younger. */
const AHEAD = 86_400_000_000

let stores = 0

/** A prefix that no other store of this process has. */
export function freshPrefix(): string {
  return `test-${process.pid}-${++stores}`
}

/** A store with keys of its own, on which time is that of a manual clock, for the script as well. */
export function clockedStore(
  client: object,
  clock: ManualClock,
  options: Partial<RedisStoreOptions> = {},
): RedisStore {
  const epoch = Date.now() * 1000 + AHEAD
  const local = monotonicMicros(clock)
  const server = () => epoch + local()
  const own = { client: client as RedisClient, prefix: freshPrefix(), timeout: 10_000 }
  return new RedisStore({ ...own, ...options }, { local, server })
}

// Limiters without Fastify, and their decisions.
import {
  type Allowed,
  type AsyncLimiter,
  type Clock,
  createLimiter,
  type Decision,
  type Denied,
  type Limiter,
  memoryStore,
  retryAfterSeconds,
  type StoreStats,
  type SyncStore,
} from '../../lib/index.js'
import { type Equal, holds } from './equal.js'

const clock: Clock = { now: () => 0 }
const store = memoryStore({ clock })
holds<Equal<typeof store, SyncStore>>()
holds<Equal<ReturnType<typeof store.stats>, StoreStats>>()

const limiter = createLimiter(
  { name: 'commands', algorithm: 'sliding-window', rate: 5, per: '30s' },
  { store },
)
holds<Equal<typeof limiter, Limiter>>()
createLimiter({ name: 'commands' })
createLimiter({ name: 'commands', policies: [{ rate: 5 }, { name: 'daily', per: 'day' }] })

// A memory limiter answers at once: a decision, not a promise of one.
const decision = limiter.take('slack:U0123456789', { cost: 2 })
holds<Equal<typeof decision, Decision>>()
holds<Equal<ReturnType<Limiter['peek']>, Decision>>()
holds<Equal<ReturnType<Limiter['refund']>, void>>()
holds<Equal<ReturnType<Limiter['reset']>, void>>()
holds<Equal<ReturnType<Limiter['block']>, void>>()
holds<Equal<ReturnType<Limiter['wait']>, Promise<Decision>>>()
holds<Equal<ReturnType<AsyncLimiter['wait']>, Promise<Decision>>>()
const answered = limiter.run('a', async () => 7, { cost: 2, signal: AbortSignal.timeout(1000) })
holds<Equal<typeof answered, Promise<number>>>()
const atOnce = limiter.run('a', () => 'done')
holds<Equal<typeof atOnce, Promise<string>>>()
limiter.block('a', '1 hour')
createLimiter({ name: 'a', wait: '2 seconds' }, { maxWaiting: 10 })
createLimiter({ name: 'a', algorithm: 'concurrency', limit: 5, hold: '1 minute' })
createLimiter({ name: 'a', block: { for: '1 minute', factor: 4, max: '1 day', forget: '7 days' } })
// @ts-expect-error a block has a length
createLimiter({ name: 'a', block: { factor: 4 } })
// @ts-expect-error
limiter.block('a', 'a while')
// @ts-expect-error a task is a function
limiter.run('a', 7)
// @ts-expect-error
limiter.wait('a', { signal: 'stop' })
limiter.refund('a')
limiter.refund('a', 2)

if (decision.allowed) {
  holds<Equal<typeof decision, Allowed>>()
  // @ts-expect-error an allowed decision has no wait
  decision.retryAfter
  // @ts-expect-error
  decision.violated
} else {
  holds<Equal<typeof decision, Denied>>()
  const wait: number = decision.retryAfter
  const names: readonly string[] = decision.violated
  holds<Equal<ReturnType<typeof retryAfterSeconds>, number | null>>()
  retryAfterSeconds(wait + names.length)
}
type Common = 'allowed' | 'policy' | 'limit' | 'remaining' | 'resetAfter' | 'source'
holds<Equal<keyof Allowed, Common | 'delay'>>()
holds<Equal<keyof Denied, Common | 'violated' | 'retryAfter' | 'blocked'>>()
// @ts-expect-error a field of denials only
decision.retryAfter
// @ts-expect-error a decision is read-only
decision.remaining = 5

// @ts-expect-error every limiter has a name
createLimiter({ rate: 5 })
// @ts-expect-error
createLimiter({ name: 'a', rtae: 5 })
// @ts-expect-error a key strategy is for requests; the caller of a limiter names the key
createLimiter({ name: 'a', rate: 5, key: 'ip' })
// @ts-expect-error a store has its place
createLimiter({ name: 'a' }, store)
// @ts-expect-error
createLimiter({ name: 'a' }, { stroe: store })
// @ts-expect-error
limiter.take(5)
// @ts-expect-error a cost has a name
limiter.take('a', 2)
// @ts-expect-error
limiter.take('a', { cots: 2 })
// @ts-expect-error
limiter.name = 'b'

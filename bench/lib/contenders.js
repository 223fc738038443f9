// Limiters of a process's own memory, each through its most direct way. Peers with a promise are awaited, as
// their users must. The loops stand here one by one, so that each lane runs code that has seen nobody else.
import { createRequire } from 'node:module'
import { load } from './build.js'

const HOUR = 3600e3
const DAY = 24 * HOUR
/** A limit that nobody reaches. */
const PLENTY = 2_000_000_000

export const PEERS = {
  '@fastify/rate-limit': localStore,
  'rate-limiter-flexible': flexible,
  'express-rate-limit': express,
  limiter: tokenLimiter,
}

/** What each lane is called in tables. */
export const NAMES = {
  bucket: 'floodgate, token bucket',
  window: 'floodgate, sliding window of 100',
}

/** The laws of `NAMES` in memory that threads share. */
export const SHARED = {
  'shared bucket': 'floodgate, token bucket, shared memory',
  'shared window': 'floodgate, sliding window of 100, shared memory',
}

/**
 * Makes a contender: `{ run(keys) }` decides about each key and returns, or promises, how many were allowed.
 * `outcome` says whether all of them must be allowed or, once `fill` keys have been tried, denied. `maxKeys`
 * bounds the stores that can be bounded.
 */
export function makeContender(name, settings) {
  return name in PEERS ? PEERS[name](settings) : floodgate(name, settings)
}

async function floodgate(name, settings) {
  const { build, outcome, count, policy = policies(count)[name.replace('shared ', '')][outcome] } = settings
  const { createLimiter } = await load(build)
  const store = name in SHARED ? await sharedStoreOf(settings) : await memoryStoreOf(settings)
  const limiter = createLimiter({ name: 'bench', ...policy }, { store })
  let last
  return {
    stats: () => store.stats(),
    last: () => last,
    /** Spends most of what a key has in a sliding window, so that rings have a real size. */
    fill: (keys, cost) => {
      for (const key of keys) limiter.take(key, { cost })
    },
    run: (keys) => {
      let allowed = 0
      for (let i = 0; i < keys.length; i++) {
        last = limiter.take(keys[i])
        if (last.allowed) allowed++
      }
      return allowed
    },
  }
}

async function memoryStoreOf({ build, maxKeys, haste = 1 }) {
  const { memoryStore } = await load(build)
  // With one key there is no way to be allowed 100 times in a window of the shortest kind but to have time
  // run faster.
  const clock = haste === 1 ? {} : { clock: { now: () => performance.now() * haste } }
  // Room for the window of each key: a default store forgets windows before keys.
  return memoryStore({ maxKeys, maxUnits: maxKeys * 256, ...clock })
}

async function sharedStoreOf({ build, maxKeys, memory }) {
  const { createSharedMemory, sharedStore } = await load(build, 'threads.js')
  return sharedStore({ memory: memory ?? createSharedMemory({ maxKeys, maxUnits: maxKeys * 256 }) })
}

/**
 * Windows hold some 30 to 60 units while they are measured: for that their length has to go with the number
 * of keys.
 */
function policies(count) {
  const window = { algorithm: 'sliding-window', rate: 100 }
  return {
    bucket: {
      allowed: { rate: 1_000_000, per: 'second', burst: PLENTY },
      denied: { rate: 1, per: 'day', burst: 1 },
    },
    window: {
      allowed: { ...window, per: count === 1 ? 8 : count <= 10_000 ? 1500 : HOUR },
      denied: { ...window, per: DAY },
    },
  }
}

function localStore({ outcome, maxKeys, max = outcome === 'allowed' ? PLENTY : 1 }) {
  const require = createRequire(import.meta.url)
  const LocalStore = require('@fastify/rate-limit/store/LocalStore.js')
  const store = new LocalStore(false, false, maxKeys)
  const period = outcome === 'allowed' ? HOUR : DAY
  let last
  let allowed = 0
  const decide = (_error, result) => {
    last = result
    if (result.current <= max) allowed++
  }
  return {
    last: () => last,
    run: (keys) => {
      allowed = 0
      for (let i = 0; i < keys.length; i++) store.incr(keys[i], decide, period, max)
      return allowed
    },
  }
}

async function flexible({ outcome, max = outcome === 'allowed' ? PLENTY : 1 }) {
  const { RateLimiterMemory } = await import('rate-limiter-flexible')
  const limiter = new RateLimiterMemory({
    points: max,
    duration: (outcome === 'allowed' ? HOUR : DAY) / 1000,
  })
  let last
  return {
    last: () => last,
    run: async (keys) => {
      let allowed = 0
      for (let i = 0; i < keys.length; i++) {
        try {
          last = await limiter.consume(keys[i])
          allowed++
        } catch (denial) {
          last = denial
        }
      }
      return allowed
    },
  }
}

async function express({ outcome, max = outcome === 'allowed' ? PLENTY : 1 }) {
  const { MemoryStore } = await import('express-rate-limit')
  const store = new MemoryStore()
  store.init({ windowMs: outcome === 'allowed' ? HOUR : DAY })
  let last
  return {
    last: () => last,
    run: async (keys) => {
      let allowed = 0
      for (let i = 0; i < keys.length; i++) {
        last = await store.increment(keys[i])
        if (last.totalHits <= max) allowed++
      }
      return allowed
    },
  }
}

async function tokenLimiter({ outcome, max = outcome === 'allowed' ? PLENTY : 1 }) {
  const { RateLimiter } = await import('limiter')
  const options = { tokensPerInterval: max, interval: outcome === 'allowed' ? HOUR : DAY }
  const limiters = new Map()
  return {
    last: () => limiters,
    run: (keys) => {
      let allowed = 0
      for (let i = 0; i < keys.length; i++) {
        let limiter = limiters.get(keys[i])
        if (limiter === undefined) {
          limiter = new RateLimiter(options)
          limiters.set(keys[i], limiter)
        }
        if (limiter.tryRemoveTokens(1)) allowed++
      }
      return allowed
    },
  }
}

import Fastify from 'fastify'
import rateLimit, { createLimiter } from '../../../../../lib/index.js'
import { type OnStoreFailure, type RedisClient, redisStore } from '../../../../../lib/redis.js'
import type { RedisStoreOptions } from '../../../../../lib/store/redis/options.js'
import type { AsyncLimiter, AsyncStore, PolicyOptions, StoreState } from '../../../../../types/index.js'
import { type Connected, clients, type Flavour } from '../../../../fixtures/redis/clients.js'
import type { Owner } from '../../../../fixtures/redis/server.js'
import { freshPrefix } from '../../support.js'
import type { Ask, Origin } from './load.js'

/** Longest wait for an answer that the stores under test are given, in ms. */
export const TIMEOUT = 100
/** The policy that all are limited by: units a second, and at once. */
export const RATE = 20
export const BURST = 10
const POLICY: Omit<PolicyOptions, 'name'> = { rate: RATE, per: 'second', burst: BURST }

export interface SubjectOptions {
  /** Name of the client's flavour. */
  client: string
  /** `onStoreFailure`. */
  mode: OnStoreFailure
  /** Through a limiter of its own, or through the requests of an app. */
  via?: 'limiter' | 'app'
  /** The policy, if not that of `RATE` and `BURST`. */
  policy?: Omit<PolicyOptions, 'name'>
  /** Further options of the store. */
  store?: Partial<RedisStoreOptions>
}

/** A client, a store over it, and somebody who asks it. */
export interface Subject extends SubjectOptions {
  readonly redis: AsyncStore
  readonly connected: Connected
  /** What its keys begin with, and nobody else's. */
  readonly prefix: string
  readonly ask: Ask
  /** The name of the key in Redis under which one is counted who asks as `key`, without an app. */
  readonly storeKey: (key: string) => string
  /** What the store said of itself since it was made. */
  readonly changes: StoreState[]
}

export type ConnectWith = (flavour: Flavour) => Promise<Connected>

export function flavourOf(name: string): Flavour {
  return clients.find((flavour) => flavour.name === name) as Flavour
}

export async function openSubject(
  owner: NonNullable<Owner>,
  options: SubjectOptions,
  connect: ConnectWith,
): Promise<Subject> {
  const connected = await connect(flavourOf(options.client))
  owner.teardown(() => connected.close())
  const prefix = freshPrefix()
  const redis = redisStore({
    client: connected.client as RedisClient,
    prefix,
    timeout: TIMEOUT,
    onStoreFailure: options.mode,
    ...options.store,
  })
  owner.teardown(() => redis.close())
  const changes: StoreState[] = []
  redis.onStateChange((state) => changes.push(state))
  const { policy = POLICY } = options
  const limiter = createLimiter({ name: 'chaos', ...policy }, { store: redis })
  const ask = options.via === 'app' ? await askThroughApp(owner, redis, policy) : askLimiter(limiter)
  return { ...options, redis, prefix, connected, ask, changes, storeKey: (key) => limiter.storeKey(key) }
}

function askLimiter(limiter: AsyncLimiter): Ask {
  return async (key) => {
    const { allowed, source = 'store' } = await limiter.take(key)
    return { allowed, origin: source }
  }
}

async function askThroughApp(
  owner: NonNullable<Owner>,
  store: AsyncStore,
  policy: Omit<PolicyOptions, 'name'>,
): Promise<Ask> {
  const app = Fastify()
  owner.teardown(() => app.close())
  const client = (request: { headers: Record<string, unknown> }) => String(request.headers['x-client'])
  await app.register(rateLimit, { store, ...policy, key: 'client', keys: { client }, headers: [] })
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-origin', request.rateLimit?.decision.source ?? 'store')
  })
  app.get('/', async () => 'hello')
  await app.ready()
  return async (key) => {
    const response = await app.inject({ url: '/', headers: { 'x-client': key } })
    const { statusCode, headers } = response
    if (statusCode !== 200 && statusCode !== 429)
      throw Object.assign(new Error(response.body), response.json())
    return { allowed: statusCode === 200, origin: headers['x-origin'] as Origin }
  }
}

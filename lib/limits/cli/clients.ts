import { createRequire } from 'node:module'
import type { RedisClient } from '../../store/redis/index.js'
import { badLimits } from '../errors.js'

/** A client that is not connected yet. */
export interface Unconnected {
  readonly client: RedisClient
  /** Connects once. Rejects where that is not possible. */
  connect(): Promise<unknown>
  /** Ends it at once, whatever its state. */
  close(): void
}

/** Loads a library, and returns what makes a client of an address. Throws where it is not installed. */
export type Library = () => (url: string) => Unconnected

const require = createRequire(import.meta.url)

/** People at a terminal want to know at once that a server is away. The ready check needs `+info`. */
const IO_OPTIONS = {
  lazyConnect: true,
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  enableReadyCheck: false,
}

/** Each client that the store works with; the first that is installed is used. */
export const LIBRARIES: readonly Library[] = [
  () => ioMaker(require('ioredis')),
  () => ioMaker(require('iovalkey')),
  () => nodeRedisMaker(require('redis')),
]

interface IoLibrary {
  readonly Redis: new (url: string, options: typeof IO_OPTIONS) => object
}

function ioMaker({ Redis }: IoLibrary) {
  return (url: string): Unconnected => {
    const client = new Redis(url, IO_OPTIONS) as IoLike
    return { client, connect: () => client.connect(), close: () => client.disconnect() }
  }
}

function nodeRedisMaker({ createClient }: typeof import('redis')) {
  return (url: string): Unconnected => {
    const client = createClient({ url, socket: { reconnectStrategy: false } })
    const close = () => client.destroy()
    return { client: client as unknown as RedisClient, connect: () => client.connect(), close }
  }
}

type IoLike = RedisClient & { connect(): Promise<unknown>; disconnect(): void }

/** What makes clients. Throws `FST_FLOODGATE_LIMITS` where no library is installed. */
export function anyClient(libraries: readonly Library[]): (url: string) => Unconnected {
  for (const load of libraries) {
    try {
      return load()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw badLimits('no client of Redis is installed: npm install ioredis, or iovalkey, or redis')
}

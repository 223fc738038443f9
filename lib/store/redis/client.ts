import { invalidOption } from '../../policy/index.js'
import type { Connection } from './connection.js'
import { type IoClient, ioConnection } from './ioredis.js'
import { type NodeRedisClient, nodeRedisConnection } from './node-redis.js'

/** A client of Redis or Valkey: ioredis, iovalkey or node-redis (v5 and later), for one server, Sentinel or Cluster. */
export type RedisClient = IoClient | NodeRedisClient

/** Finds out by its shape which client it is. Throws `FST_FLOODGATE_OPTION` if it is none. */
export function connect(client: RedisClient): Connection {
  if (has(client, 'evalsha') && 'status' in client) return ioConnection(client as IoClient)
  if (has(client, 'evalSha') && 'isOpen' in client) return nodeRedisConnection(client as NodeRedisClient)
  throw invalidOption('client', client, 'a client of ioredis, iovalkey or redis (node-redis) v5 or later')
}

function has(client: unknown, method: string): boolean {
  return typeof (client as Record<string, unknown> | null | undefined)?.[method] === 'function'
}

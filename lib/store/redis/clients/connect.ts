import { invalidOption } from '../../../policy/index.js'
import type { Connection } from './connection.js'
import { type IoClient, ioConnection } from './ioredis.js'
import { type NodeRedisClient, nodeRedisConnection } from './node-redis.js'

/**
 * A client of Redis or Valkey: ioredis, iovalkey or node-redis (v5 and later), for one server, Sentinel or
 * Cluster.
 */
export type RedisClient = IoClient | NodeRedisClient

/** Finds out by its shape which client it is. Throws `FST_FLOODGATE_OPTION` if it is none. */
export function connect(client: RedisClient): Connection {
  if (isIoClient(client)) return ioConnection(client)
  if (isNodeRedisClient(client)) return nodeRedisConnection(client)
  throw invalidOption('client', client, 'a client of ioredis, iovalkey or redis (node-redis) v5 or later')
}

/** Whether somebody passed a client where the options of a store belong. */
export function isClient(options: unknown): boolean {
  return isIoClient(options) || isNodeRedisClient(options)
}

function isIoClient(client: unknown): client is IoClient {
  return has(client, 'evalsha') && 'status' in (client as object)
}

function isNodeRedisClient(client: unknown): client is NodeRedisClient {
  return has(client, 'evalSha') && 'isOpen' in (client as object)
}

function has(client: unknown, method: string): boolean {
  return typeof (client as Record<string, unknown> | null | undefined)?.[method] === 'function'
}

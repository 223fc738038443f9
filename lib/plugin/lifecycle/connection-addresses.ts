import { EventEmitter } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Internals } from '../internals.js'

/** How many registrations need our listeners on a server: those of an app, and apps, may share it. */
const needed = new WeakMap<EventEmitter, number>()

/**
 * Makes Node.js remember the address of each connection to the servers of `app`. Node.js asks the system when
 * the address is first read, and the system no longer knows the address of a client that has reset its
 * connection: all such clients would share the key `unknown`. `app.close()` removes the listeners. A server
 * that is no EventEmitter, which a `serverFactory` may return, is left alone.
 */
export function keepAddresses(app: FastifyInstance, internals: Internals): void {
  const servers = new Set<EventEmitter>()
  const keep = (server: unknown) => {
    if (!(server instanceof EventEmitter) || servers.has(server)) return
    servers.add(server)
    listenTo(server)
  }
  keep(app.server)
  // Where a host has several addresses, Fastify makes a server for each of the others when it listens.
  app.addHook('onListen', async () => internals.otherServers(app).forEach(keep))
  app.addHook('onClose', async () => servers.forEach(leave))
}

function listenTo(server: EventEmitter): void {
  const count = needed.get(server) ?? 0
  needed.set(server, count + 1)
  if (count === 0) for (const [event, listener] of LISTENERS) server.on(event, listener)
}

function leave(server: EventEmitter): void {
  const count = (needed.get(server) as number) - 1
  needed.set(server, count)
  if (count === 0) for (const [event, listener] of LISTENERS) server.off(event, listener)
}

/** Node.js keeps the address once it is read. */
function readAddress(socket: Socket): void {
  void socket.remoteAddress
}

/**
 * When an HTTP/2 session is destroyed, `request.socket` reads the properties of the stream instead of the
 * socket.
 */
function passAddressOn(session: ServerHttp2Session): void {
  // A listener before this one may have destroyed it.
  if (session.destroyed) return
  const { remoteAddress } = session.socket
  session.on('stream', (stream) => Object.assign(stream, { remoteAddress }))
}

const LISTENERS = [
  ['connection', readAddress],
  ['secureConnection', readAddress],
  ['session', passAddressOn],
] as const

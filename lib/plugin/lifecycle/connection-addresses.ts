import { EventEmitter } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Servers that have our listeners: several registrations of an app share them. */
const servers = new WeakSet<object>()

/**
 * Makes Node.js remember the address of each connection to the server of `app`. Node.js asks the system when
 * the address is first read, and the system no longer knows the address of a client that has reset its
 * connection: all such clients would share the key `unknown`. `app.close()` removes the listeners. A server
 * that is no EventEmitter, which a `serverFactory` may return, is left alone.
 */
export function keepAddresses(app: FastifyInstance): void {
  const server: unknown = app.server
  if (!(server instanceof EventEmitter) || servers.has(server)) return
  servers.add(server)
  for (const [event, listener] of LISTENERS) server.on(event, listener)
  app.addHook('onClose', async () => {
    servers.delete(server)
    for (const [event, listener] of LISTENERS) server.off(event, listener)
  })
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
  const { remoteAddress } = session.socket
  session.on('stream', (stream) => Object.assign(stream, { remoteAddress }))
}

const LISTENERS = [
  ['connection', readAddress],
  ['secureConnection', readAddress],
  ['session', passAddressOn],
] as const

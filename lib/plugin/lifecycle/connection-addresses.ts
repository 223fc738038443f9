import { EventEmitter } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Servers that have our listeners: several registrations of an app share them. */
const servers = new WeakSet<object>()

/**
 * Keeps the address of each connection to the server of `app` until its last request is over. Node.js asks the system for it when it is
 * first read, and of a client that has reset its connection the system knows none: all such clients would count as one. The
 * listeners go with the app. A server that is no emitter of events, as a `serverFactory` may make it, is left alone.
 */
export function rememberPeers(app: FastifyInstance): void {
  const server: unknown = app.server
  if (!(server instanceof EventEmitter) || servers.has(server)) return
  servers.add(server)
  for (const [event, listener] of LISTENERS) server.on(event, listener)
  app.addHook('onClose', async () => {
    servers.delete(server)
    for (const [event, listener] of LISTENERS) server.off(event, listener)
  })
}

/** Once read, the address is kept. */
function readAddress(socket: Socket): void {
  void socket.remoteAddress
}

/** A stream of HTTP/2 whose session is gone has no socket any more: `request.socket` then shows properties of the stream itself. */
function passAddressOn(session: ServerHttp2Session): void {
  const { remoteAddress } = session.socket
  session.on('stream', (stream) => Object.assign(stream, { remoteAddress }))
}

const LISTENERS = [
  ['connection', readAddress],
  ['secureConnection', readAddress],
  ['session', passAddressOn],
] as const

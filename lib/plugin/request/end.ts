import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Whether the response of a request is over, or its client has left. */
export function hasEnded(request: FastifyRequest, { raw }: FastifyReply): boolean {
  // Over HTTP/2 the socket stands for the stream.
  return raw.destroyed || request.raw.socket.destroyed === true
}

/**
 * Calls `listener` when the response of a request is over, or its client leaves. The function that it returns
 * takes that back.
 */
export function onEnd(request: FastifyRequest, { raw }: FastifyReply, listener: () => void): () => void {
  const off = () => {
    raw.off('close', end)
    offSocket?.()
  }
  const end = () => {
    off()
    listener()
  }
  raw.on('close', end)
  // A pipelined response has no socket before those ahead of it are over, and does not hear that it closes.
  const offSocket = raw.socket === null ? onSocketClose(request.raw.socket, end) : null
  return off
}

/** One listener for all requests of a socket: a client may pipeline any number of them. */
const listeners = new WeakMap<Socket, Set<() => void>>()

/** Calls `listener` when a socket closes. The function that it returns takes that back. */
export function onSocketClose(socket: Socket, listener: () => void): () => void {
  const all = listeners.get(socket) ?? listenTo(socket)
  all.add(listener)
  return () => all.delete(listener)
}

function listenTo(socket: Socket): Set<() => void> {
  const all = new Set<() => void>()
  listeners.set(socket, all)
  socket.once('close', () => {
    for (const listener of all) listener()
  })
  return all
}

import type { FastifyRequest } from 'fastify'

/** Whether a request asks to upgrade its connection, as WebSocket does. */
export function isUpgrade(request: FastifyRequest): boolean {
  return (request.raw as { upgrade?: boolean }).upgrade === true
}

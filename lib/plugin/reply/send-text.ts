import type { FastifyReply } from 'fastify'

export const JSON_TYPE = 'application/json; charset=utf-8'

/** Sends a text unchanged, also where an earlier hook has set a length or a serializer for another body. */
export function sendText(reply: FastifyReply, type: string, text: string): void {
  if (reply.hasHeader('content-length')) reply.removeHeader('content-length')
  reply.header('content-type', type).serializer(unchanged).send(text)
}

function unchanged(text: string): string {
  return text
}

import type { FastifyReply, FastifyRequest } from 'fastify'

/** The page runs its own files, and asks its own server. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'none'",
].join('; ')

/** Headers of all answers of the console. */
export const SAFE_HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

/** Answers are about this moment, and for nobody else. Files of the page say otherwise. */
export const FRESH = 'no-store'

/** Sets the headers of all answers. */
export function setSafeHeaders(_request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  reply.headers(SAFE_HEADERS).header('cache-control', FRESH)
  done()
}

import { retryAfterSeconds } from './retry-after.js'

export const DENIED_CODE = 'FST_FLOODGATE_DENIED'

/** The message of a 429, for a wait in ms. */
export function denialMessage(retryAfter: number): string {
  const seconds = retryAfterSeconds(retryAfter)
  if (seconds === null) return 'Rate limit exceeded, this request can never be allowed'
  return `Rate limit exceeded, retry in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`
}

/** The body that Fastify's own error handler would send for a 503, as JSON. */
export function unavailableBody(code: string, message: string): string {
  return JSON.stringify({ statusCode: 503, code, error: 'Service Unavailable', message })
}

/** The body that Fastify's own error handler would send for a denial, as JSON. */
export function fastifyBody(message: string): string {
  return `{"statusCode":429,"code":"${DENIED_CODE}","error":"Too Many Requests","message":"${message}"}`
}

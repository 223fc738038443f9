import { retryAfterSeconds } from './retry-after.js'

export const DENIED_CODE = 'FST_FLOODGATE_DENIED'

/** The statuses of a denial, with their reason phrases. */
export const STATUSES = { 429: 'Too Many Requests', 503: 'Service Unavailable' } as const
export type DenialStatus = keyof typeof STATUSES

/** The facts of a denial that its reply states. */
export interface DenialFacts {
  /** 503 where the service sheds load. */
  readonly status: DenialStatus
  /** Milliseconds; `Infinity` for never. */
  readonly retryAfter: number
  /** Whether the key is blocked for a time. */
  readonly blocked: boolean
  /** Whether what is limited is the number of requests in progress. */
  readonly inProgress: boolean
}

/** The message of a denial. */
export function denialMessage({ retryAfter, blocked, inProgress }: DenialFacts): string {
  const seconds = retryAfterSeconds(retryAfter)
  if (seconds === null) return 'Rate limit exceeded, this request can never be allowed'
  const what = blocked
    ? 'Blocked after too many requests'
    : inProgress
      ? 'Too many requests in progress'
      : 'Rate limit exceeded'
  return `${what}, retry in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`
}

/** The body that Fastify's own error handler would send for a store that does not answer, as JSON. */
export function unavailableBody(code: string, message: string): string {
  return JSON.stringify({ statusCode: 503, code, error: STATUSES[503], message })
}

/** The body that Fastify's own error handler would send for a denial, as JSON. */
export function fastifyBody(status: DenialStatus, message: string): string {
  return `{"statusCode":${status},"code":"${DENIED_CODE}","error":"${STATUSES[status]}","message":"${message}"}`
}

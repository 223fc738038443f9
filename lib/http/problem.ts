import { type DenialFacts, denialMessage, STATUSES } from './denial.js'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

const TYPES = 'https://iana.org/assignments/http-problem-types#'

/**
 * The body of a denial as problem details (RFC 9457). Its types are those that
 * draft-ietf-httpapi-ratelimit-headers-11 (section 5) registers. `violated` names the policies that denied.
 */
export function problemBody(denial: DenialFacts, violated: readonly string[]): string {
  const { status, blocked } = denial
  return JSON.stringify({
    type: TYPES + typeOf(denial),
    title: STATUSES[status],
    status,
    detail: denialMessage(denial),
    'violated-policies': violated,
    ...(blocked && { blocked }),
  })
}

function typeOf({ status, blocked }: DenialFacts): string {
  if (status === 503) return 'temporary-reduced-capacity'
  return blocked ? 'abnormal-usage-detected' : 'quota-exceeded'
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/**
 * The body of a denial as problem details (RFC 9457). Its type is the one that
 * draft-ietf-httpapi-ratelimit-headers-11 (section 5) registers. `violated` names the policies that denied.
 */
export function problemBody(message: string, violated: readonly string[]): string {
  return JSON.stringify({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too Many Requests',
    status: 429,
    detail: message,
    'violated-policies': violated,
  })
}

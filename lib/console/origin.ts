import type { FastifyReply, FastifyRequest } from 'fastify'
import { show } from '../policy/index.js'
import { foreignOrigin, replyWith } from './errors.js'

/** A header that scripts of other origins cannot send, unless the application allows it to them. */
export const OWN_HEADER = 'x-floodgate-console'

/** Refuses what a page of another site may have sent with the cookies of an operator. */
export function refuseForeign(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const fault = faultOf(request)
  if (fault === null) done()
  else replyWith(reply, foreignOrigin(fault))
}

function faultOf(request: FastifyRequest): string | null {
  const { origin, [OWN_HEADER]: own, 'sec-fetch-site': site } = request.headers
  if (request.method === 'POST' && own !== '1') return `the header '${OWN_HEADER}: 1' is missing`
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return `Sec-Fetch-Site is ${show(site)}; allowed: 'same-origin'`
  if (origin === undefined || isHost(origin, request.host)) return null
  return `the origin ${show(origin)} is not the host ${show(request.host)}; behind a proxy that changes the host, let it send X-Forwarded-Host, and set trustProxy`
}

/** Whether an origin has that host, be its port written or left to its protocol. */
function isHost(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: expected } = new URL(origin)
  const asked = `${protocol}//${host}`
  return expected !== '' && URL.canParse(asked) && new URL(asked).host === expected
}

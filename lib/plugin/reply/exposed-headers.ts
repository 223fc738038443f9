import type { onSendHookHandler } from 'fastify'
import type { HeaderFamily } from '../../../types/index.js'
import { exposeHeaders, FAMILIES } from '../../http/index.js'
import { tightestOf } from '../request/request-charge.js'

const EXPOSE = 'access-control-expose-headers'

/**
 * An `onSend` hook that exposes the headers of a reply to scripts of other origins. CORS plugins have set
 * theirs by then.
 */
export function exposeOnSend(families: readonly HeaderFamily[]): onSendHookHandler {
  const names = families.flatMap((family) => FAMILIES[family])
  return (request, reply, _payload, done) => {
    if (tightestOf(request) !== null) {
      const sent = reply.hasHeader('retry-after') ? [...names, 'retry-after'] : names
      if (sent.length > 0)
        reply.header(EXPOSE, exposeHeaders(reply.getHeader(EXPOSE) as string | undefined, sent))
    }
    done()
  }
}

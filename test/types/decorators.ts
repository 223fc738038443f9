// `app.rateLimit` and `request.rateLimit`.
import Fastify, { type onRequestHookHandler } from 'fastify'
import type { Decision, Limiter, RateLimitRegistry, RequestRateLimit } from '../../lib/index.js'
import { type Equal, holds } from './equal.js'

const app = Fastify()

holds<Equal<typeof app.rateLimit, RateLimitRegistry>>()
const defined: Limiter = app.rateLimit.define('uploads', { rate: 5, key: 'ip' })
app.rateLimit.define('several', [{ rate: 5 }, { rate: 50, per: 'day' }])
const known: boolean = app.rateLimit.has('uploads')
for (const limiter of app.rateLimit) defined.store === limiter.store && limiter.take(limiter.name)

const hook: onRequestHookHandler = app.rateLimit.hook('uploads')
app.setNotFoundHandler({ preHandler: app.rateLimit.hook({ rate: 5 }) }, async () => known)
app.addHook('preValidation', app.rateLimit.hook('uploads'))
app.get('/', { onRequest: [hook, app.rateLimit.hook('uploads')] }, async () => 'ok')

// @ts-expect-error
app.rateLimit.define('uploads')
// @ts-expect-error
app.rateLimit.define('uploads', { rtae: 5 })
// @ts-expect-error
app.rateLimit.get(5)
// @ts-expect-error a limiter, not false
app.rateLimit.hook(false)
// @ts-expect-error
app.rateLimit.add('uploads', [])

app.get('/charged', async (request, reply) => {
  holds<Equal<typeof request.rateLimit, RequestRateLimit | null>>()
  // @ts-expect-error `null` until a limiter decided
  request.rateLimit.decision
  const visit = request.rateLimit
  if (visit === null) return reply.code(500).send()
  holds<Equal<typeof visit.decision, Decision>>()
  holds<Equal<typeof visit.decisions, readonly Decision[]>>()
  holds<Equal<ReturnType<typeof visit.take>, Decision>>()
  holds<Equal<ReturnType<typeof visit.refund>, void>>()
  const said: string = visit.limiter + visit.key
  visit.take(5)
  visit.refund()
  // @ts-expect-error
  visit.take('5')
  // @ts-expect-error
  visit.key = 'another'
  // @ts-expect-error
  request.rateLimit = null
  return said
})

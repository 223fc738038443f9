/**
 * Options of other limiters (@fastify/rate-limit, express-rate-limit, rate-limiter-flexible, @nestjs/throttler), with what to write
 * here. Each alternative begins with the option that it needs: which of them is meant depends on where the name was found.
 */
const OURS = new Map<string, readonly string[]>([
  ...same(['max', 'limit', 'points', 'requests'], ['rate', 'maxKeys']),
  ...same(['timeWindow', 'windowMs', 'duration', 'ttl', 'window', 'interval'], ['per']),
  ...same(['keyGenerator'], ['key']),
  ...same(['weight', 'consume'], ['cost']),
  ...same(['redis', 'storeClient'], ['store: redisStore({ client })', 'client']),
  ...same(['nameSpace', 'keyPrefix'], ['store: redisStore({ client, prefix })', 'prefix']),
  ...same(
    ['skipOnError', 'passOnStoreError'],
    ["store: redisStore({ client, onStoreFailure: 'allow' })", "onStoreFailure: 'allow'"],
  ),
  ...same(['cache'], ['store: memoryStore({ maxKeys })', 'maxKeys']),
  ...same(['allowList', 'whitelist', 'skip'], ['allow']),
  ...same(['global'], ["exempt: ['*']"]),
  ...same(['addHeaders', 'standardHeaders', 'legacyHeaders', 'enableDraftSpec'], ['headers']),
  ...same(['ipv6Subnet'], ['ipv6Prefix']),
  ...same(['errorResponseBuilder', 'message'], ['body']),
  ...same(['handler', 'onExceeded', 'onLimitReached'], ['onDenied']),
])

/** What the option of another limiter is called here, if one of the `known` options stands for it. */
export function ours(name: string, known: readonly string[]): string | undefined {
  return OURS.get(name)?.find((alternative) => known.includes(alternative.split(':')[0]))
}

function same(names: readonly string[], alternatives: readonly string[]): [string, readonly string[]][] {
  return names.map((name) => [name, alternatives])
}

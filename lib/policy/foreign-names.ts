/**
 * Options of other limiters (@fastify/rate-limit, express-rate-limit, express-slow-down,
 * rate-limiter-flexible, @nestjs/throttler, p-queue, bottleneck), each with the texts to write here. A text
 * begins with the option that it needs. The first text whose option is known at the place of the mistake is
 * the right one.
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
  ...same(['ban', 'blockDuration'], ['block']),
  ...same(
    ['inMemoryBlockOnConsumed', 'inMemoryBlockDuration'],
    ['store: redisStore({ client, denyCache })', 'denyCache'],
  ),
  ...same(['execEvenly', 'execEvenlyMinDelayMs', 'delayMs', 'maxDelayMs', 'delayAfter'], ['wait']),
  ...same(['maxQueueSize', 'queueSize', 'highWater'], ['maxWaiting']),
  ...same(['concurrency', 'maxConcurrent', 'concurrent'], ["algorithm: 'concurrency', limit"]),
  ...same(['intervalCap', 'reservoir'], ['rate']),
  ...same(['skipSuccessfulRequests'], ["charge: 'failed'"]),
  ...same(['skipFailedRequests'], ["charge: 'succeeded'"]),
  ...same(['dryRun', 'shadow', 'shadowMode', 'reportOnly'], ['enforce: false']),
])

/** Our text for another limiter's option, if one of the `known` options stands for it. */
export function ours(name: string, known: readonly string[]): string | undefined {
  return OURS.get(name)?.find((alternative) => known.includes(alternative.split(':')[0]))
}

function same(names: readonly string[], alternatives: readonly string[]): [string, readonly string[]][] {
  return names.map((name) => [name, alternatives])
}

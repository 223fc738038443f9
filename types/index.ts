export type { Allowed, Decision, Denied } from './decision.js'
export type {} from './fastify.js'
export type { AnyLimiter, AsyncLimiter, Limiter, LimiterOptions, TakeOptions } from './limiter.js'
export type {
  AllowList,
  AnyPolicy,
  BodyStyle,
  HeaderFamily,
  HookName,
  KeyNames,
  KeyStrategy,
  KeyStrategyName,
  LimiterName,
  LimiterNames,
  RateLimitOptions,
  RateLimitRegistry,
  RoutePolicy,
  RouteRateLimit,
  StoreKinds,
} from './options.js'
export type { Algorithm, Period, Policy, PolicyOptions } from './policy.js'
export type { RequestRateLimit } from './request.js'
export type {
  AsyncStore,
  Bucket,
  Charge,
  Clock,
  Source,
  Store,
  StoreState,
  StoreStats,
  StoreWarningCode,
  SyncStore,
} from './store.js'

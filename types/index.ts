export type { Change, ChangeOptions, ChangeVerb } from './changes.js'
export type { Allowed, Decision, Denied } from './decision.js'
export type { DecisionEvent, StoreCallTrace } from './events.js'
export type {} from './fastify.js'
export type { Fleet, FleetMember, FleetNews, FleetNote, FleetSeat } from './fleet.js'
export type {
  AnyLimiter,
  AsyncLimiter,
  DeniedError,
  Limiter,
  LimiterOptions,
  LimiterSettings,
  TakeOptions,
  WaitOptions,
} from './limiter.js'
export type {
  LimitsSource,
  LimitsStats,
  Override,
  OverrideOptions,
} from './limits.js'
export type { Offender, OffenderOptions } from './offenders.js'
export type {
  AllowList,
  BodyStyle,
  DenialContext,
  HeaderFamily,
  RateLimitOptions,
  StoreKinds,
} from './options.js'
export type { Outcome, OutcomeCounts } from './outcomes.js'
export type { Algorithm, BlockLengths, BlockOptions, Period, Policy, PolicyOptions } from './policy.js'
export type { ProcessReport } from './processes.js'
export type { RateLimitRegistry } from './registry.js'
export type { RequestRateLimit } from './request.js'
export type {
  AnyPolicy,
  ChargeRule,
  HookName,
  KeyNames,
  KeyStrategy,
  KeyStrategyName,
  LimiterName,
  LimiterNames,
  RateLimitValue,
  RoutePolicy,
  RouteRateLimit,
} from './route.js'
export type {
  LimiterStats,
  PolicyStats,
  RateLimitStats,
  StoreReport,
} from './stats.js'
export type {
  AsyncStore,
  AsyncStoreStats,
  Bucket,
  CallDurations,
  Charge,
  Clock,
  Source,
  Store,
  StoreKind,
  StoreState,
  StoreStats,
  StoreWarningCode,
  SyncStore,
} from './store.js'

import type { PolicyOptions, RoutePolicy } from '../../types/index.js'

/** What may change while the app runs. The key and the hook of a limiter stay as they are. */
export type LimiterChange = Omit<RoutePolicy, 'key' | 'hook'>

/** A document of limits, parsed and checked. `limits.schema.json` says how it is written. */
export interface LimitsDocument {
  /**
   * By the name of the limiter. An object changes what it names and keeps the rest; a list replaces all
   * policies. A limiter that is not here is as the code says.
   */
  readonly limiters: ReadonlyMap<string, LimiterChange | readonly LimiterChange[]>
  readonly overrides: readonly DocumentOverride[]
}

/** A policy of one key of a limiter, or `false` for none. */
export interface DocumentOverride {
  readonly limiter: string
  /** The key as it is counted: `request.rateLimit.key`. */
  readonly key: string
  readonly policy: PolicyOptions | false
  /** When it ends, in milliseconds since 1970. `Infinity`: never. */
  readonly until: number
  readonly comment: string
}

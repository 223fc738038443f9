import type {
  ConsoleKey,
  ConsoleLimiter,
  ConsoleOffender,
  ConsoleOverride,
  ConsolePolicy,
  ConsoleProcess,
  ConsoleState,
  ConsoleVerdict,
} from '../../types/console.js'
import type {
  AnyLimiter,
  LimiterStats,
  Override,
  RateLimitRegistry,
  RateLimitStats,
} from '../../types/index.js'
import { keyId } from '../observe/index.js'
import { isShadow } from '../policy/index.js'
import { totalOf } from './counts.js'
import { clip, textOf } from './words.js'

/** Most offenders and overrides that a page is sent. */
const MOST_OFFENDERS = 100
const MOST_OVERRIDES = 500

/** Options that an update keeps where it does not say them, or that cannot change. */
const KEPT = ['cost', 'charge', 'status', 'key', 'hook']

/** What `app.rateLimit` knows, as the page shows it. No key leaves it but in its shown form. */
export class View {
  readonly #rateLimit: RateLimitRegistry

  constructor(rateLimit: RateLimitRegistry) {
    this.#rateLimit = rateLimit
  }

  state(now: number, series: ConsoleState['series']): ConsoleState {
    const stats = this.#rateLimit.stats()
    const { since, limiters, store, waiting, lost, overrides, limits } = stats
    return {
      now,
      since: since.toISOString(),
      limiters: Object.entries(limiters).map(([name, limiter]) => this.#limiter(name, limiter)),
      series,
      store,
      waiting,
      lost,
      overrides: overrides.inForce === 0 ? [] : this.#overrides(),
      overridesInForce: overrides.inForce,
      offenders: this.offenders(),
      limits,
      changes: this.#changes(),
      processes: this.processes(),
    }
  }

  /** Null where no key is remembered. */
  offenders(): ConsoleOffender[] | null {
    try {
      return this.#rateLimit.offenders({ most: MOST_OFFENDERS }).map(({ first, last, key, ...rest }) => ({
        ...rest,
        key: clip(key),
        first: first.toISOString(),
        last: last.toISOString(),
      }))
    } catch {
      return null
    }
  }

  processes(): ConsoleProcess[] {
    return this.#rateLimit.processes().map(({ id, host, pid, isThis, at, stats }) => {
      const { limiters, store } = stats
      return { id, host, pid, isThis, at: at.toISOString(), state: store.state, ...totalOf(limiters) }
    })
  }

  /** Another text whenever the state has changed in more than what ticks say. */
  fingerprint({ limiters, overrides, limits }: RateLimitStats, processes: readonly ConsoleProcess[]): string {
    const changes = this.#rateLimit.changes().map(({ at }) => at.getTime())
    const members = processes.map(({ id, state }) => id + state)
    return JSON.stringify([Object.keys(limiters), overrides.inForce, limits, changes, members])
  }

  async key(name: string, key: string): Promise<ConsoleKey> {
    const limiter = this.#rateLimit.get(name) as AnyLimiter
    const decisions = await limiter.peekEach(key)
    const override = this.#rateLimit
      .overrides()
      .find((override) => override.limiter === name && override.key === key)
    const known = override === undefined ? limiter.policies : [override.inForce]
    const policies = decisions.map((decision): ConsoleVerdict => {
      const { policy: name, allowed, remaining, limit, resetAfter, source } = decision
      const policy = known.find((policy) => policy?.name === name)
      const shadow = policy ? isShadow(policy, key) : false
      const doubt = source === undefined ? '' : ': not known, because the store does not answer'
      return {
        name,
        text: `${policy ? textOf(policy) : name}${shadow ? ', as a shadow' : ''}${doubt}`,
        allowed,
        blocked: !allowed && decision.blocked === true,
        shadow,
        // Where nobody counts, all is left.
        remaining: Math.min(remaining, limit),
        limit,
        retryAfter: allowed ? 0 : finite(decision.retryAfter),
        resetAfter: finite(resetAfter),
      }
    })
    const shown = this.#show(name, key)
    return { limiter: name, key: shown, policies, override: override ? overrideOf(override) : null }
  }

  #limiter(name: string, { policies }: LimiterStats): ConsoleLimiter {
    // A limiter that a function of a route returned has counters only.
    if (!this.#rateLimit.has(name)) {
      const all = Object.entries(policies).map(([name, stats]): ConsolePolicy => {
        return policyOf(stats, {
          name,
          text: textOf({ ...stats, name, wait: 0, block: null }),
          options: null,
        })
      })
      return { name, policies: all }
    }
    const options = [this.#rateLimit.optionsOf(name)].flat()
    const all = this.#rateLimit.get(name).policies.map((policy, i): ConsolePolicy => {
      const own = Object.entries(options[i]).filter(([option]) => !KEPT.includes(option))
      const { name } = policy
      return policyOf(policies[name], { name, text: textOf(policy), options: Object.fromEntries(own) })
    })
    return { name, policies: all }
  }

  #show(limiter: string, key: string): string {
    return clip(this.#rateLimit.showKey(limiter, key))
  }

  #overrides(): ConsoleOverride[] {
    const listed = this.#rateLimit.overrides().slice(0, MOST_OVERRIDES)
    return listed.map((override) => {
      const { limiter, key, used } = override
      const [id, shown] = [keyId(limiter, key), this.#show(limiter, key)]
      return { limiter, id, key: shown, ...overrideOf(override), used }
    })
  }

  #changes(): ConsoleState['changes'] {
    return this.#rateLimit.changes().map(({ at, who, verb, limiter, key, text, comment }) => {
      const shown = limiter === null || key === null ? null : this.#show(limiter, key)
      return { at: at.toISOString(), who, verb, limiter, key: shown, text, comment }
    })
  }
}

type Said = Pick<ConsolePolicy, 'name' | 'text' | 'options'>

function policyOf(stats: LimiterStats['policies'][string], said: Said): ConsolePolicy {
  const { enforce, limit, nearLimit, units, allowed, delayed, denied, blocked, shadowDenied } = stats
  return { ...said, enforce, limit, nearLimit, units, allowed, delayed, denied, blocked, shadowDenied }
}

function overrideOf({ inForce, until, comment }: Override) {
  const text = inForce === null ? 'no limit' : textOf(inForce)
  return { text, until: until?.toISOString() ?? null, comment }
}

/** JSON has no infinity: null is never. */
function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

import { type Test, test } from 'tap'
import { limiterOver } from '../../lib/limiter/index.js'
import { compilePolicies } from '../../lib/limiter/limiter.js'
import { memoryStore } from '../../lib/store/index.js'
import type { AnyLimiter, PolicyOptions, Store } from '../../types/index.js'
import { lateStore } from '../fixtures/late-store.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { ManualTimers } from '../fixtures/manual-timers.js'

/** A limiter whose time moves as the test says. */
export interface Timed {
  readonly clock: ManualClock
  readonly timers: ManualTimers
  readonly store: Store
  readonly limiter: AnyLimiter
}

export function timed(
  clock: ManualClock,
  store: Store,
  policies: PolicyOptions[],
  maxWaiting?: number,
): Timed {
  const timers = new ManualTimers(clock)
  const { after } = timers
  const compiled = compilePolicies(policies, 'tested', 'policies')
  const timing = { afterWait: after, after, maxWaiting }
  return {
    clock,
    timers,
    store,
    limiter: limiterOver('tested', compiled, store, 'tested', undefined, timing),
  }
}

/** Each test runs over a store that answers at once, and over one that answers later. */
export function overBoth(
  title: string,
  policies: PolicyOptions[],
  body: (t: Test, timed: Timed) => Promise<unknown>,
  maxWaiting?: number,
): void {
  test(`at once: ${title}`, (t) => {
    const clock = new ManualClock()
    return body(t, timed(clock, memoryStore({ clock }), policies, maxWaiting))
  })
  test(`over a network: ${title}`, (t) => {
    const clock = new ManualClock()
    return body(t, timed(clock, lateStore(clock).store, policies, maxWaiting))
  })
}

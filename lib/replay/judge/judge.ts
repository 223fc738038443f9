import type { Clock, Limiter, Policy, PolicyOptions } from '../../../types/index.js'
import { compilePolicies, createLimiter } from '../../limiter/index.js'
import { compilePolicy, invalidOption } from '../../policy/index.js'
import { memoryStore } from '../../store/index.js'
import { withPlace } from './columns.js'
import { TimeHeap } from './time-heap.js'
import { Timeline } from './timeline.js'

/**
 * Keys of a store. Stores are made as keys come, each with room for so many, so that none is ever full and
 * forgets a key.
 */
const SHARD_BITS = 14
const SHARD = 2 ** SHARD_BITS
const FIRST_SIZE = 1024
/** The name of a key in its store. */
const NAMES = Array.from({ length: SHARD }, (_, i) => String(i))
/** Slots that a policy takes for a key: with growing blocks one more, for the blocks before. */
const SLOTS = 2
/** A window has room for all units that its policy allows. */
const MOST_UNITS = 2 ** 31

/** The clock of a log. It stands at the arrival of a request. */
export class LogClock implements Clock {
  #start = Number.NaN
  #micros = 0

  /** Moves the clock to a time in microseconds since 1970. */
  set(micros: number): void {
    // From its first time on, because milliseconds since 1970 have no room for microseconds.
    if (Number.isNaN(this.#start)) this.#start = micros
    this.#micros = micros - this.#start
  }

  now(): number {
    return this.#micros / 1000
  }
}

/** A row of denials of one key, between which no request of it was allowed. */
export interface Run {
  readonly key: number
  readonly denials: number
  /** Microseconds since 1970 of the first and of the last of them. */
  readonly from: number
  readonly to: number
}

/**
 * Decides about the requests of a log, in their order, as a limiter does: the decisions are those of the
 * production limiter and store, whose clock the log drives.
 */
export class Judge {
  readonly name: string | undefined
  readonly policies: readonly Policy[]
  requests = 0
  delayed = 0
  /** All denials, those of blocked keys included. */
  denied = 0
  blocked = 0
  /** Requests of which the log has no duration. A concurrency policy takes them for done at once. */
  withoutDuration = 0
  /** How often each key was denied. */
  deniedOf = new Uint32Array(FIRST_SIZE)
  readonly timeline = new Timeline()
  readonly #options: readonly PolicyOptions[]
  readonly #clock = new LogClock()
  readonly #limiters: Limiter[] = []
  /** How often each key was denied since one of its requests was allowed, and since when. */
  #runOf = new Uint32Array(FIRST_SIZE)
  #runFrom = new Float64Array(FIRST_SIZE)
  /** The longest row of denials: see `Run`. */
  #longest = 0
  #longestKey = 0
  #longestFrom = 0
  #longestTo = 0
  /** Requests in progress, by the time of their end. Null where nobody counts them. */
  readonly #progress: TimeHeap | null

  /**
   * Throws `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION` for policies that are not allowed, and
   * for a concurrency policy beside others. `where` is their path in errors.
   */
  constructor(options: readonly PolicyOptions[], where: string) {
    this.policies =
      options.length === 1
        ? [compilePolicy(options[0], 'replay', `${where}.`)]
        : compilePolicies(options, 'replay', where)
    this.#options = options.map(decider)
    this.name = options.length === 1 ? options[0].name : undefined
    const isCounted = this.policies.some(({ algorithm }) => algorithm === 'concurrency')
    if (isCounted && options.length > 1)
      throw invalidOption(where, options, 'a concurrency policy by itself, not in a list with others')
    this.#progress = isCounted ? new TimeHeap() : null
  }

  /** Takes a request that arrives at `micros`, and returns whether it is allowed. */
  visit(micros: number, key: number, cost: number, duration: number): boolean {
    if (this.#progress !== null) this.#end(this.#progress, micros)
    this.#clock.set(micros)
    const limiter = this.#limiterOf(key)
    const name = NAMES[key % SHARD]
    const decision = cost === 1 ? limiter.take(name) : limiter.take(name, { cost })
    this.requests++
    this.timeline.add(micros, !decision.allowed)
    this.#note(key, micros, decision.allowed)
    if (!decision.allowed) {
      if (decision.blocked) this.blocked++
    } else if (decision.delay !== undefined) this.delayed++
    if (this.#progress !== null && decision.allowed) this.#begin(this.#progress, micros, key, cost, duration)
    return decision.allowed
  }

  /** Of equal runs the first. Null if nothing was denied. */
  get longestRun(): Run | null {
    if (this.#longest === 0) return null
    return { key: this.#longestKey, denials: this.#longest, from: this.#longestFrom, to: this.#longestTo }
  }

  #note(key: number, micros: number, allowed: boolean): void {
    if (key >= this.#runOf.length) {
      this.deniedOf = withPlace(this.deniedOf, key)
      this.#runOf = withPlace(this.#runOf, key)
      this.#runFrom = withPlace(this.#runFrom, key)
    }
    if (allowed) {
      this.#runOf[key] = 0
      return
    }
    this.denied++
    this.deniedOf[key]++
    const denials = ++this.#runOf[key]
    if (denials === 1) this.#runFrom[key] = micros
    if (denials <= this.#longest) return
    this.#longest = denials
    this.#longestKey = key
    this.#longestFrom = this.#runFrom[key]
    this.#longestTo = micros
  }

  #begin(progress: TimeHeap, micros: number, key: number, cost: number, duration: number): void {
    if (duration < 0) this.withoutDuration++
    progress.push(micros + Math.max(0, duration), key, cost, 0)
  }

  /** Gives back the units of the requests that have ended by `micros`. */
  #end(progress: TimeHeap, micros: number): void {
    while (progress.first <= micros) {
      progress.pop()
      this.#clock.set(progress.time)
      this.#limiterOf(progress.key).refund(NAMES[progress.key % SHARD], progress.cost)
    }
  }

  #limiterOf(key: number): Limiter {
    const shard = key >>> SHARD_BITS
    this.#limiters[shard] ??= limiterOf(this.#options, this.#clock)
    return this.#limiters[shard]
  }
}

function limiterOf(policies: readonly PolicyOptions[], clock: Clock): Limiter {
  const store = memoryStore({ maxKeys: SHARD * SLOTS * policies.length, maxUnits: MOST_UNITS, clock })
  return createLimiter({ name: 'replay', policies }, { store })
}

/**
 * The policy that decides. The plugin renews the units of a request for as long as it takes, so they outlive
 * any `hold`. A replay shows what would be denied, whether or not the policy is enforced.
 */
function decider({ enforce: _, ...policy }: PolicyOptions): PolicyOptions {
  return policy.algorithm === 'concurrency' ? { ...policy, hold: '366 days' } : policy
}

import type { PolicyOptions } from '../../lib/index.js'

/** A request of a log: when, by whom, for how many units, and how long it took. All times in ms. */
export interface Request {
  readonly at: number
  readonly key: string
  readonly cost: number
  readonly duration: number
}

/** What a policy did: denials, those of blocked keys, delays, and denials of each key. */
export interface Outcome {
  denied: number
  blocked: number
  delayed: number
  readonly deniedOf: Map<string, number>
}

/** A policy of this model: all numbers are given, periods in ms. */
export interface ModelPolicy {
  readonly options: PolicyOptions
  readonly rate: number
  readonly per: number
  readonly burst: number
  readonly wait: number
  readonly block: {
    readonly for: number
    readonly factor: number
    readonly max: number
    readonly forget: number
  } | null
}

interface Spent {
  readonly at: number
  readonly end: number
}

interface State {
  /** Microseconds in which the bucket has come to have `level`, in units times `per`. */
  level: bigint
  at: bigint
  spent: Spent[]
  blockedUntil: number
  offences: number
  forgottenAt: number
}

const micros = (ms: number) => BigInt(Math.round(ms * 1000))

/**
 * A slow and plain model of the laws, which shares no code with them: a bucket that fills drop by drop in
 * exact integers, and lists of what was spent.
 */
export function outcomeOf(requests: readonly Request[], policy: ModelPolicy): Outcome {
  const outcome: Outcome = { denied: 0, blocked: 0, delayed: 0, deniedOf: new Map() }
  const states = new Map<string, State>()
  const inOrder = requests.toSorted((a, b) => a.at - b.at)
  for (const request of inOrder) {
    const state = states.get(request.key) ?? fresh(policy)
    states.set(request.key, state)
    const verdict = judge(state, request, policy)
    if (verdict === 'delayed') outcome.delayed++
    if (verdict === 'blocked') outcome.blocked++
    if (verdict === 'blocked' || verdict === 'denied') {
      outcome.denied++
      outcome.deniedOf.set(request.key, (outcome.deniedOf.get(request.key) ?? 0) + 1)
    }
  }
  return outcome
}

function fresh({ burst, per }: ModelPolicy): State {
  return {
    level: BigInt(burst) * micros(per),
    at: 0n,
    spent: [],
    blockedUntil: Number.NEGATIVE_INFINITY,
    offences: 0,
    forgottenAt: Number.NEGATIVE_INFINITY,
  }
}

type Verdict = 'allowed' | 'delayed' | 'denied' | 'blocked'

function judge(state: State, request: Request, policy: ModelPolicy): Verdict {
  const { at } = request
  if (at < state.blockedUntil) return 'blocked'
  // Nothing is asked for, so there is nothing to wait for.
  if (request.cost === 0) return 'allowed'
  const verdict =
    policy.options.algorithm === undefined ? pour(state, request, policy) : count(state, request, policy)
  if (verdict !== 'denied' || policy.block === null || request.cost > policy.burst) return verdict
  const { for: first, factor, max, forget } = policy.block
  if (at >= state.forgottenAt) state.offences = 0
  const length = Math.min(max, first * factor ** state.offences++)
  state.blockedUntil = at + length
  state.forgottenAt = state.blockedUntil + forget
  // After the block the key is as new.
  state.level = BigInt(policy.burst) * micros(policy.per)
  state.at = micros(state.blockedUntil)
  state.spent = []
  return 'blocked'
}

/** A token bucket that fills drop by drop. A call may wait for units that come back within `wait`. */
function pour(state: State, { at, cost }: Request, { rate, per, burst, wait }: ModelPolicy): Verdict {
  const now = micros(at)
  const full = BigInt(burst) * micros(per)
  const filled = state.level + (now - state.at) * BigInt(rate)
  state.level = filled > full ? full : filled
  state.at = now
  const price = BigInt(cost) * micros(per)
  if (cost > burst || state.level + micros(wait) * BigInt(rate) < price) return 'denied'
  const isDelayed = state.level < price
  state.level -= price
  return isDelayed ? 'delayed' : 'allowed'
}

/** A window, or units in progress: what was spent counts until its end. */
function count(state: State, { at, cost, duration }: Request, { options, rate, per }: ModelPolicy): Verdict {
  state.spent = state.spent.filter(({ end }) => end > at)
  if (state.spent.length + cost > rate) return 'denied'
  const end = at + (options.algorithm === 'concurrency' ? duration : per)
  for (let i = 0; i < cost; i++) state.spent.push({ at, end })
  return 'allowed'
}

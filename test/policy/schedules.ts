import fc from 'fast-check'
import type { Test } from 'tap'
import { type TokenBucket, tokenBucket } from '../../lib/policy/index.js'
import type { Answer, PureKey } from '../fixtures/pure-key.js'

/** Microseconds. */
const SECOND = 1e6
const DAY = 86_400e6

/** Difficult rates: the slowest, the fastest, and primes just below and above what 2^17 ticks can hold. */
const UGLY: [rate: number, per: number][] = [
  [1, DAY],
  [7, DAY],
  [86_399, DAY],
  [2_147_483_647, DAY],
  [100, 60 * SECOND],
  [3, SECOND],
  [131_071, SECOND],
  [131_101, SECOND],
  [999_983, SECOND],
  [1_000_000, SECOND],
  [1, 1],
  [13, 17],
]

/** `rate` units per `per` microseconds, from 1 a day to 1,000,000 a second. */
const pace = fc.oneof(
  fc.constantFrom(...UGLY),
  fc
    .tuple(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: DAY }))
    .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]),
)

export interface BucketCase {
  rate: number
  per: number
  burst: number
  law: TokenBucket
}

/** `longest`: most microseconds that a bucket holds a call. */
export function buckets(leastBurst = 1, longest = 0): fc.Arbitrary<BucketCase> {
  const bursts = fc.oneof(
    fc.integer({ min: leastBurst, max: 12 }),
    fc.integer({ min: leastBurst, max: 20_000 }),
  )
  return fc.tuple(pace, bursts, fc.nat(longest)).map(([[rate, per], burst, patience]) => {
    const law = tokenBucket.tokenBucket(rate, per, burst, patience) as TokenBucket
    return { rate, per, burst, law }
  })
}

export type Verb = 'take' | 'peek' | 'refund' | 'reset'

/** One call of a schedule, for any law: `size` is a share of the limit, and 0 means one unit. */
export interface Move {
  verb: Verb
  pause: 'none' | 'microsecond' | 'units' | 'fill' | 'promised' | 'too soon' | 'back'
  stretch: number
  size: number
}

export function schedules(verbs: readonly Verb[], { back = false } = {}): fc.Arbitrary<Move[]> {
  const pauses = ['none', 'microsecond', 'units', 'fill', 'promised', 'too soon'] as const
  const move = fc.record({
    verb: fc.constantFrom(...verbs),
    pause: fc.constantFrom<Move['pause']>(...pauses, ...(back ? (['back', 'back'] as const) : [])),
    stretch: fc.integer({ min: 0, max: 250 }).map((percent) => percent / 100),
    size: fc.oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 120 }).map((percent) => percent / 100),
    ),
  })
  return fc.array(move, { minLength: 1, maxLength: 70, size: 'max' })
}

/** Checks a property. If it does not hold, throws the smallest counterexample with its seed and path. */
export function prove<T>(t: Test, property: fc.IProperty<T>, numRuns: number, examples: T[] = []): void {
  fc.assert(property, { numRuns, examples })
  t.pass(`holds for ${numRuns} schedules`)
}

/** The time scale of a law in microseconds, and the most units that can be spent at once. */
export interface Scale {
  unit: number
  fill: number
  limit: number
  /** Ticks of an answer's `wait` in a microsecond. */
  resolution: number
}

export function scaleOf({ rate, per, burst, law }: BucketCase): Scale {
  return { unit: per / rate, fill: (per / rate) * burst, limit: burst, resolution: law.resolution }
}

/** A call as it was made, and the answer of a take or a peek. */
export interface Called {
  verb: Verb
  now: number
  /** Microseconds since the previous call. Negative where the clock stepped back. */
  gap: number
  cost: number
  answer: Answer | undefined
}

/** Plays a schedule on a key, passes each call to `seen`, and returns all calls. */
export function play(
  key: PureKey,
  moves: readonly Move[],
  scale: Scale,
  seen: (call: Called) => void = () => {},
): Called[] {
  // Starts late enough that a clock that steps back stays above 0, and ends before a store restarts its
  // ticks.
  const horizon = Math.floor(2 ** 52 / scale.resolution)
  let now = Math.min(Math.ceil(scale.fill * 3), Math.floor(horizon / 2))
  let promise = 0
  return moves.map((move) => {
    const next = Math.max(0, now + gapOf(move, scale, promise))
    const gap = next > horizon ? 0 : next - now
    now += gap
    const { verb } = move
    const cost = move.size === 0 ? 1 : Math.floor(move.size * scale.limit)
    let answer: Answer | undefined
    if (verb === 'reset') key.reset()
    else if (verb === 'refund') key.refund(now, cost)
    else answer = key[verb](now, cost)
    if (answer !== undefined) promise = Math.ceil(answer.wait / scale.resolution)
    const call = { verb, now, gap, cost, answer }
    seen(call)
    return call
  })
}

function gapOf({ pause, stretch }: Move, { unit, fill }: Scale, promise: number): number {
  const wait = Number.isFinite(promise) ? promise : 1
  switch (pause) {
    case 'none':
      return 0
    case 'microsecond':
      return 1
    case 'units':
      return Math.floor(stretch * unit)
    case 'fill':
      return Math.floor(stretch * fill)
    case 'promised':
      return wait
    case 'too soon':
      return Math.max(0, wait - 1)
    case 'back':
      return -Math.floor(stretch * fill)
  }
}

import type { Charge } from '../../../types/index.js'
import { costOf } from '../charge.js'
import type { RedisBucket } from './names.js'

/** The verbs of the script. */
export const VERBS = { take: 1, peek: 2, refund: 3, reset: 4, lease: 5 } as const
export type Verb = keyof typeof VERBS

/** Most keys that one call of the script may touch: it holds the server up, and Lua can unpack so many. */
const MOST_KEYS = 64
/** Most calls that one call of the script may run: a hot key is one key. */
const MOST_CALLS = 250

/** What one call of a store asks, and who waits for it. */
export interface Call {
  readonly verb: Verb
  readonly charges: readonly Charge[]
  /** The names of the keys of the charges. */
  readonly names: readonly string[]
  /** Units that a lease would like in addition. */
  readonly wanted: number
  /** Reads its part of the reply. */
  answer(reply: Reply): void
  fail(error: Error): void
}

/** The reply to a batch, which its calls read in their order. */
export class Reply {
  /** The server's time in microseconds. */
  readonly now: number
  /** Local time, in microseconds, at which the batch was sent. */
  readonly sentAt: number
  readonly #numbers: readonly unknown[]
  #next = 1

  constructor(numbers: readonly unknown[], sentAt: number) {
    this.#numbers = numbers
    this.now = Number(numbers[0])
    this.sentAt = sentAt
  }

  read(): number {
    return Number(this.#numbers[this.#next++])
  }
}

/** The calls that travel together, as the script reads them (see `lua/batch.ts`). */
export class Batch {
  /** Takes that charge one token bucket each, by the name of its key; those of keys that other calls touch are not simple. */
  readonly #simple = new Map<string, Call>()
  /** All other calls, in their order. */
  readonly #others: Call[] = []
  /** Names of keys that calls other than simple ones touch. */
  readonly #buckets = new Map<string, number>()
  readonly #windows = new Map<string, number>()

  /** Is there room for another call, with so many charges? */
  takes(charges: number): boolean {
    const keys = this.#simple.size + this.#buckets.size + this.#windows.size
    return keys + charges <= MOST_KEYS && this.#simple.size + this.#others.length < MOST_CALLS
  }

  add(call: Call): void {
    const { verb, charges, names } = call
    if (verb === 'take' && names.length === 1 && isBucket(charges[0]) && !this.#knows(names[0])) {
      this.#simple.set(names[0], call)
      return
    }
    for (let i = 0; i < names.length; i++)
      this.#claim(names[i], isBucket(charges[i]) ? this.#buckets : this.#windows)
    this.#others.push(call)
  }

  /** The calls in the order in which they are answered. */
  get calls(): Call[] {
    return [...this.#simple.values(), ...this.#others]
  }

  get keys(): string[] {
    return [...this.#simple.keys(), ...this.#buckets.keys(), ...this.#windows.keys()]
  }

  /** The arguments of the script from ARGV[3] on. */
  get args(): string[] {
    const laws = new Laws()
    const program: number[] = []
    for (const call of this.#others) this.#write(call, laws, program)
    const calls = program.length === 0 ? '' : JSON.stringify([laws.list, program])
    return [String(this.#simple.size + this.#buckets.size), calls, ...runsOf(this.#simple.values())]
  }

  #knows(name: string): boolean {
    if (this.#buckets.has(name)) return true
    const earlier = this.#simple.get(name)
    if (earlier === undefined) return false
    // The second take of a key makes the first one no simple one; it stays before all that come now.
    this.#simple.delete(name)
    this.#claim(name, this.#buckets)
    this.#others.push(earlier)
    return true
  }

  #claim(name: string, keys: Map<string, number>): void {
    if (this.#simple.has(name)) this.#knows(name)
    if (!keys.has(name)) keys.set(name, keys.size + 1)
  }

  #write({ verb, charges, names, wanted }: Call, laws: Laws, program: number[]): void {
    program.push(VERBS[verb], charges.length)
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i]
      const bucket = this.#buckets.get(names[i])
      const key = bucket === undefined ? -(this.#windows.get(names[i]) as number) : this.#simple.size + bucket
      program.push(laws.index(charge), key, charge.cost)
      program.push(verb === 'refund' ? stampOf(charge) : costOf(charges, charge))
    }
    if (verb === 'lease') program.push(wanted)
  }
}

/** The laws of a batch, each once. */
class Laws {
  readonly list: (readonly number[])[] = []
  readonly #indices = new Map<number, number>()

  index({ bucket }: Charge): number {
    const { id, law } = bucket as RedisBucket
    let index = this.#indices.get(id)
    if (index === undefined) {
      index = this.list.push(law)
      this.#indices.set(id, index)
    }
    return index
  }
}

function isBucket({ bucket }: Charge): boolean {
  return bucket.policy.algorithm === 'token-bucket'
}

/** Takes of one law and cost that follow each other, together: the numbers of the law, the cost, and how many they are. */
function runsOf(takes: Iterable<Call>): string[] {
  const runs: string[] = []
  let last: Charge | null = null
  let units = 0
  for (const { charges } of takes) {
    const [charge] = charges
    if (last !== null && charge.bucket === last.bucket && charge.cost === last.cost) units++
    else {
      if (last !== null) runs.push(...lawOf(last), String(last.cost), String(units))
      last = charge
      units = 1
    }
  }
  if (last !== null) runs.push(...lawOf(last), String(last.cost), String(units))
  return runs
}

function lawOf({ bucket }: Charge): string[] {
  return (bucket as RedisBucket).law.slice(1).map(String)
}

function stampOf({ stamp }: Charge): number {
  return stamp === Number.POSITIVE_INFINITY ? -1 : stamp
}

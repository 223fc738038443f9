import type { Charge } from '../../../../types/index.js'
import { totalCost } from '../../charge.js'
import type { RedisBucket } from '../buckets.js'
import { offencesOf } from '../keys.js'
import type { Call, TakeCall, Verb } from './calls.js'
import { chargedTimes, runsOf, wantedBy } from './encode.js'
import type { Reply } from './reply.js'

/** The verbs as the script reads them. */
const VERBS: Readonly<Record<Verb, number>> = {
  take: 1,
  peek: 2,
  refund: 3,
  reset: 4,
  release: 5,
  block: 6,
}
/** Most keys that one call of the script may touch: it holds the server up, and Lua can unpack so many. */
const MOST_KEYS = 64
/** Most calls other than simple takes that one call of the script may run. */
const MOST_CALLS = 250

/**
 * The calls that travel together, as the script reads them (see `lua/batch.ts`). The simple takes run first,
 * then all other calls in their order. A call that follows simple takes of its key is one of the others, and
 * so are all later calls for that key: each key sees its calls in their order.
 */
export class Batch {
  /** By the name of their key: takes that charge that one token bucket, and cost the same. */
  readonly #simple = new Map<string, TakeCall[]>()
  /** All other calls, if there are any. */
  #others: Others | null = null

  get isEmpty(): boolean {
    return this.#simple.size === 0 && this.#others === null
  }

  /** Whether another call fits, if the batch may have `most` keys. */
  takes(call: Call, most: number): boolean {
    const others = this.#others
    const simple = this.#simple.size
    const charges = call.charges.length
    if (others === null) return simple + charges <= most
    if (others.isRenewal(call)) return true
    const keys = simple + others.buckets.size + others.further.size
    return keys + charges <= most && others.calls.length < MOST_CALLS
  }

  add(call: Call): void {
    if (maybeSimple(call)) {
      if (this.#join(call)) return
      if (call.leaseOnly) return call.dropLease()
    }
    // Units that they lease would count as spent for this call.
    for (const { name } of call.keys) for (const take of this.#simple.get(name) ?? []) take.dropLease()
    this.#others ??= new Others()
    this.#others.add(call)
  }

  /**
   * The keys and arguments of the script, without its deadline. `time`: what it goes by, in microseconds, or
   * 0.
   */
  compose(time: number): { keys: string[]; args: string[] } {
    const simple = this.#simple
    const others = this.#others
    for (const takes of simple.values()) for (const take of takes) take.beforeSend()
    const runs = runsOf(simple.values())
    const keys = [...simple.keys()]
    if (others === null) return { keys, args: [`${keys.length} ${time}${runs}`] }
    const numbers = new Map<string, number>()
    const number = (names: Iterable<string>): number => {
      for (const name of names) if (!numbers.has(name)) numbers.set(name, numbers.size + 1)
      return numbers.size
    }
    number(keys)
    const buckets = number(others.buckets)
    number(others.further)
    return { keys: [...numbers.keys()], args: [`${buckets} ${time}${runs}`, others.program(numbers)] }
  }

  readReply(reply: Reply): void {
    for (const takes of this.#simple.values()) {
      let owed = reply.read()
      for (const take of takes) owed = take.readTakeReply(reply, owed)
      if (wantedBy(takes) === 0) continue
      const units = reply.read()
      for (const take of takes) if (take.wanted > 0) take.readGrant(reply, units, owed, chargedTimes(takes))
    }
    if (this.#others !== null) for (const call of this.#others.calls) call.readReply(reply)
  }

  fail(error: Error): void {
    for (const takes of this.#simple.values()) for (const take of takes) take.fail(error)
    if (this.#others !== null) for (const call of this.#others.calls) call.fail(error)
  }

  /** Adds a take to the simple ones; returns whether it can be one of them. */
  #join(take: TakeCall): boolean {
    const { name } = take.keys[0]
    if (this.#others?.buckets.has(name)) return false
    const earlier = this.#simple.get(name)
    if (earlier === undefined) this.#simple.set(name, [take])
    else if (earlier[0].charges[0].cost === take.charges[0].cost) earlier.push(take)
    else return false
    return true
  }
}

/** The calls of a batch that are not simple, in their order. */
class Others {
  readonly calls: Call[] = []
  /** The names of the token buckets that they touch, and of all other keys. */
  readonly buckets = new Set<string>()
  readonly further = new Set<string>()

  add(call: Call): void {
    for (let i = 0; i < call.charges.length; i++) {
      const names = isBucket(call.charges[i]) ? this.buckets : this.further
      names.add(call.keys[i].name)
      if (hasOffences(call, i)) this.further.add(offencesOf(call.keys[i]))
    }
    this.calls.push(call)
  }

  /** Whether a call takes what the last call gives back: nobody else can take it in between. */
  isRenewal({ verb, keys }: Call): boolean {
    const last = this.calls.at(-1)
    return (
      verb === 'take' && last?.verb === 'refund' && keys.length === 1 && last.keys[0].name === keys[0].name
    )
  }

  /** The calls as the script reads them. `numbers`: those of the keys of the batch. */
  program(numbers: ReadonlyMap<string, number>): string {
    const laws = new Laws()
    const program: number[] = []
    const numberOf = (name: string) => numbers.get(name) as number
    for (const call of this.calls) {
      const { verb, charges, keys } = call
      program.push(VERBS[verb], charges.length)
      for (let i = 0; i < charges.length; i++) {
        const charge = charges[i]
        program.push(laws.index(charge), numberOf(keys[i].name))
        if (verb === 'take' || verb === 'peek') program.push(charge.cost, judgedCost(charges, charge))
        else if (verb === 'refund' || verb === 'release') program.push(charge.cost, chargedAtOf(charge))
        else program.push(hasOffences(call, i) ? numberOf(offencesOf(keys[i])) : 0, chargedAtOf(charge))
      }
    }
    return JSON.stringify([laws.list, program])
  }
}

/**
 * Spreads calls over batches, in their order: as few as hold them, and of one size, so that client and server
 * work at the same time, each on a batch of its own, where callers wait for their answers before they call
 * again.
 */
export function batchesOf(calls: readonly Call[]): Batch[] {
  let charges = 0
  for (const call of calls) charges += call.charges.length
  const most = Math.ceil(charges / Math.ceil(charges / MOST_KEYS))
  let batch = new Batch()
  const batches = [batch]
  for (const call of calls) {
    if (!batch.isEmpty && !batch.takes(call, most)) {
      batch = new Batch()
      batches.push(batch)
    }
    batch.add(call)
  }
  return batches
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

function maybeSimple(call: Call): call is TakeCall {
  return call.verb === 'take' && call.charges.length === 1 && isBucket(call.charges[0])
}

function isBucket({ bucket }: Charge): boolean {
  return bucket.policy.algorithm === 'token-bucket'
}

/** Whether a call needs the key beside that of a charge, in which offences are counted. */
function hasOffences({ verb, charges }: Call, i: number): boolean {
  return (verb === 'block' || verb === 'reset') && (charges[i].bucket as RedisBucket).counts
}

/** The cost by which a charge is judged. More than the limit never fits, however long a call may wait. */
function judgedCost(charges: readonly Charge[], charge: Charge): number {
  const { policy, law } = charge.bucket as RedisBucket
  const cost = totalCost(charges, charge)
  return cost > policy.limit && isBucket(charge) ? Math.floor(law[2] / law[1]) + 1 : cost
}

function chargedAtOf({ chargedAt }: Charge): number {
  return chargedAt === Number.POSITIVE_INFINITY ? -1 : chargedAt
}

import type { Charge } from '../../../../types/index.js'
import { costOf } from '../../charge.js'
import type { RedisBucket } from '../keys.js'
import { type Call, type Take, VERBS } from './call.js'
import { runsOf, timesOf, wantedBy } from './encode.js'
import { Groups } from './groups.js'
import type { Reply } from './reply.js'

/** Most keys that one call of the script may touch: it holds the server up, and Lua can unpack so many. */
const MOST_KEYS = 64
/** Most calls other than simple takes that one call of the script may run. */
const MOST_CALLS = 250
/** Why a call that leases only does not travel with others to its key that are not simple takes. */
const NOT_SIMPLE = new Error('its key is asked for in other ways')

/** The calls that travel together, as the script reads them (see `lua/batch.ts`). */
export class Batch {
  /** Takes that charge one token bucket each. Those of one key cost the same, and no other call touches their key. */
  readonly #simple = new Groups()
  /** All other calls, if there are any. */
  #others: Others | null = null

  get isEmpty(): boolean {
    return this.#simple.list.length === 0 && this.#others === null
  }

  /** Is there room for another call with so many charges, if there shall be `most` keys? */
  takes(charges: number, most: number): boolean {
    const others = this.#others
    const simple = this.#simple.list.length
    if (others === null) return simple + charges <= most
    const keys = simple + others.buckets.size + others.windows.size
    return keys + charges <= most && others.calls.length < MOST_CALLS
  }

  add(call: Call): void {
    if (maybeSimple(call)) {
      if (this.#join(call)) return
      if (call.times === 0) return call.fail(NOT_SIMPLE)
    }
    this.#others ??= new Others()
    for (const address of call.addresses) {
      const takes = this.#simple.find(address)
      if (takes === undefined) continue
      // They are simple no more, and stay before all that come now.
      this.#simple.delete(takes)
      for (const take of takes) {
        if (take.times === 0) take.fail(NOT_SIMPLE)
        else this.#others.add(take)
      }
    }
    this.#others.add(call)
  }

  get keys(): string[] {
    const simple = this.#simple.list.map(([{ addresses }]) => addresses[0].name)
    return this.#others === null ? simple : simple.concat(this.#others.keys)
  }

  /** The arguments of the script after its deadline. `time`: what it goes by, in microseconds, or 0. */
  args(time: number): string[] {
    const others = this.#others
    const { list } = this.#simple
    for (const takes of list) for (const take of takes) take.depart()
    const buckets = list.length + (others === null ? 0 : others.buckets.size)
    const numbers = `${buckets} ${time}${runsOf(list)}`
    return others === null ? [numbers] : [numbers, others.program(list.length)]
  }

  answer(reply: Reply): void {
    for (const takes of this.#simple.list) {
      let owed = reply.read()
      for (const take of takes) owed = take.answerTake(reply, owed)
      if (wantedBy(takes) === 0) continue
      const units = reply.read()
      for (const take of takes) if (take.wanted > 0) take.lease(reply, units, owed, timesOf(takes))
    }
    if (this.#others !== null) for (const call of this.#others.calls) call.answer(reply)
  }

  fail(error: Error): void {
    for (const takes of this.#simple.list) for (const take of takes) take.fail(error)
    if (this.#others !== null) for (const call of this.#others.calls) call.fail(error)
  }

  /** Adds a take to the simple ones, unless other calls touch its key. */
  #join(take: Take): boolean {
    const [address] = take.addresses
    const earlier = this.#simple.find(address)
    if (earlier === undefined) {
      if (this.#others?.buckets.has(address.name)) return false
      this.#simple.open(take)
      return true
    }
    if (earlier[0].charges[0].cost !== take.charges[0].cost) return false
    earlier.push(take)
    return true
  }
}

/** The calls of a batch that are not simple, in their order. */
class Others {
  readonly calls: Call[] = []
  /** The keys that they touch, each with its number, from 1 on. */
  readonly buckets = new Map<string, number>()
  readonly windows = new Map<string, number>()

  add(call: Call): void {
    for (let i = 0; i < call.charges.length; i++) {
      const { name } = call.addresses[i]
      const keys = isBucket(call.charges[i]) ? this.buckets : this.windows
      if (!keys.has(name)) keys.set(name, keys.size + 1)
    }
    this.calls.push(call)
  }

  get keys(): string[] {
    return [...this.buckets.keys(), ...this.windows.keys()]
  }

  /** The calls as the script reads them; their keys follow so many simple ones. */
  program(simple: number): string {
    const laws = new Laws()
    const program: number[] = []
    for (const { verb, charges, addresses } of this.calls) {
      program.push(VERBS[verb], charges.length)
      for (let i = 0; i < charges.length; i++) {
        const charge = charges[i]
        const { name } = addresses[i]
        const bucket = this.buckets.get(name)
        const key = bucket === undefined ? -(this.windows.get(name) as number) : simple + bucket
        program.push(laws.index(charge), key, charge.cost)
        program.push(verb === 'take' || verb === 'peek' ? costOf(charges, charge) : chargedAtOf(charge))
      }
    }
    return JSON.stringify([laws.list, program])
  }
}

/**
 * Spreads calls over batches, in their order: as few as hold them, and of one size, so that client and server work at the same time,
 * each on a batch of its own, where callers wait for their answers before they call again.
 */
export function batchesOf(calls: readonly Call[]): Batch[] {
  let charges = 0
  for (const call of calls) charges += call.charges.length
  const most = Math.ceil(charges / Math.ceil(charges / MOST_KEYS))
  let batch = new Batch()
  const batches = [batch]
  for (const call of calls) {
    if (!batch.isEmpty && !batch.takes(call.charges.length, most)) {
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

function maybeSimple(call: Call): call is Take {
  return call.verb === 'take' && call.charges.length === 1 && isBucket(call.charges[0])
}

function isBucket({ bucket }: Charge): boolean {
  return bucket.policy.algorithm === 'token-bucket'
}

function chargedAtOf({ chargedAt }: Charge): number {
  return chargedAt === Number.POSITIVE_INFINITY ? -1 : chargedAt
}

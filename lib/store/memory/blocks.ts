import type { BlockLengths, Charge } from '../../../types/index.js'
import { blockLength, MOST_OFFENCES } from '../../policy/index.js'
import { blockedVerdict } from '../verdict.js'
import type { MemoryBucket, SlotKeeper, SlotUse } from './keeper.js'
import type { Laws } from './laws.js'
import { BLOCKED, type Table } from './table.js'

/** The key space of a bucket that counts the earlier blocks of its keys. */
const OFFENCES = 1
/** A state that counts blocks is the ms at which they are forgotten, times this, plus their number. */
const NUMBERS = MOST_OFFENCES + 1

/** Live, and the first to be forgotten of all that live. */
const COOLEST = Number.MIN_VALUE

/** Slots of blocked keys. Their state is the end of the block, in microseconds. */
const blocked: SlotKeeper = {
  heat: (table, slot, now) => (table.state(slot) <= now ? 0 : 1 + table.state(slot) - now),
  release() {},
}

/** Slots that count the earlier blocks of a key. */
const offences: SlotKeeper = {
  heat: (table, slot, now) => (forgottenAt(table.state(slot)) <= now ? 0 : COOLEST),
  release() {},
}

function forgottenAt(state: number): number {
  return Math.floor(state / NUMBERS) * 1000
}

/**
 * Blocks of keys. A block takes the place of all that a key had: one comparison finds a blocked key, and a
 * decision about any other pays nothing else. Earlier blocks are counted only where they make the next one
 * longer, and only when a block begins.
 */
export class Blocks {
  readonly #table: Table
  readonly #laws: Laws
  readonly #blocked: SlotUse
  readonly #offences: SlotUse

  constructor(table: Table, laws: Laws) {
    this.#table = table
    this.#laws = laws
    this.#blocked = laws.reserve(BLOCKED, 'blocked', blocked)
    this.#offences = laws.reserve(BLOCKED + 1, 'offences', offences)
  }

  /** The slot itself while its block lasts. When that is over, the key is as new: forgets it, returns -1. */
  stillBlocked(slot: number, now: number): number {
    if (this.#table.state(slot) > now) return slot
    this.#table.remove(slot)
    return -1
  }

  /** Writes the verdict of a blocked key. */
  judge(charge: Charge, slot: number, now: number): void {
    blockedVerdict(charge, this.#table.state(slot) - now)
  }

  /** Begins the block that the policy of a denied charge asks for, and writes its verdict. */
  begin(charge: Charge, lengths: BlockLengths, now: number): void {
    const bucket = charge.bucket as MemoryBucket
    const before = lengths.factor > 1 ? this.#offencesOf(bucket, charge.key, now) : 0
    const length = blockLength(lengths, before)
    if (lengths.factor > 1) this.#count(bucket, charge.key, before + 1, now + length + lengths.forget * 1000)
    // Last: to count an offence may make other keys move or go.
    this.set(bucket, charge.key, now + length)
    blockedVerdict(charge, length)
  }

  /** Blocks a key until `end`, in place of what it had. */
  set({ hasher }: MemoryBucket, key: string, end: number): void {
    hasher.digest(0, key)
    const slot = this.#slotFor(this.#blocked, hasher.low, hasher.high)
    this.#table.setState(slot, end)
    this.#table.setDenied(slot)
  }

  /** Forgets the earlier blocks of a key. */
  pardon({ hasher }: MemoryBucket, key: string): void {
    hasher.digest(OFFENCES, key)
    const slot = this.#table.find(hasher.low, hasher.high)
    if (slot >= 0) this.#table.remove(slot)
  }

  #offencesOf({ hasher }: MemoryBucket, key: string, now: number): number {
    hasher.digest(OFFENCES, key)
    const slot = this.#table.find(hasher.low, hasher.high)
    if (slot < 0) return 0
    const state = this.#table.state(slot)
    return forgottenAt(state) <= now ? 0 : state % NUMBERS
  }

  #count({ hasher }: MemoryBucket, key: string, number: number, until: number): void {
    hasher.digest(OFFENCES, key)
    const slot = this.#slotFor(this.#offences, hasher.low, hasher.high)
    this.#table.setState(slot, Math.ceil(until / 1000) * NUMBERS + Math.min(number, MOST_OFFENCES))
  }

  /** The slot of a digest, which has this use from now on. */
  #slotFor(use: SlotUse, low: number, high: number): number {
    const slot = this.#table.find(low, high)
    this.#laws.add(use)
    if (slot < 0) return this.#table.insert(low, high, use.id)
    this.#table.reuse(slot, use.id)
    return slot
  }
}

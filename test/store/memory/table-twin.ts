import assert from 'node:assert/strict'
import { BLOCKED, Table } from '../../../lib/store/memory/table.js'

interface Entry {
  readonly low: number
  readonly high: number
  readonly id: number
  lawId: number
  heat: number
}

/**
 * A table and the map that it should equal, moved in step; every verb asserts that what left the table is
 * what had to or might. Tables so small that a full one is looked at whole.
 */
export class TableTwin {
  readonly #table: Table
  readonly #entries = new Map<string, Entry>()
  readonly #released: number[] = []
  #ids = 0
  #forgotten = 0

  constructor(maxKeys: number) {
    this.#table = new Table(maxKeys, {
      heat: (slot) => this.#held().find(({ id }) => id === this.#table.state(slot))?.heat as number,
      forgetsDenied: () => assert.fail('none is marked'),
      release: (slot) => this.#released.push(this.#table.state(slot)),
    })
  }

  insert(low: number, high: number, heat: number, lawId: number): void {
    const name = `${low} ${high}`
    if (this.#entries.has(name)) return
    const full = this.#entries.size === this.#table.maxKeys
    const expired = this.#expired()
    const coolest = Math.min(...this.#held().map((entry) => entry.heat))
    const entry = { low, high, id: ++this.#ids, lawId, heat }
    this.#table.setState(this.#table.insert(low, high, lawId), entry.id)
    if (!full) this.#left(0, expired)
    else if (expired.length > 0) this.#left(expired.length, expired)
    else {
      this.#forgotten++
      this.#left(
        1,
        this.#held().filter(({ heat }) => heat === coolest),
      )
    }
    this.#entries.set(name, entry)
  }

  remove(nth: number): void {
    const entry = this.#nth(nth)
    if (entry === undefined) return
    this.#table.remove(this.#table.find(entry.low, entry.high))
    this.#left(1, [entry])
  }

  /** The slot gets another law id, and keeps its place. */
  reuse(nth: number): void {
    const entry = this.#nth(nth)
    if (entry === undefined) return
    const slot = this.#table.find(entry.low, entry.high)
    const lawId = nth % 5
    this.#table.reuse(slot, lawId)
    assert.deepEqual([this.#table.state(slot), this.#table.isBlocked(slot)], [0, lawId === BLOCKED])
    this.#table.setState(slot, entry.id)
    assert.deepEqual(this.#released, [entry.id])
    this.#released.length = 0
    entry.lawId = lawId
  }

  expire(nth: number): void {
    const entry = this.#nth(nth)
    if (entry !== undefined) entry.heat = 0
  }

  sweep(): void {
    const expired = this.#expired()
    assert.equal(this.#table.sweep(), expired.length)
    this.#left(expired.length, expired)
  }

  /** Asserts that the table holds what the map holds, and nothing else. */
  check(): void {
    const table = this.#table
    assert.deepEqual([table.keys, table.forgotten], [this.#entries.size, this.#forgotten])
    for (const { low, high, id, lawId } of this.#entries.values()) {
      const slot = table.find(low, high)
      assert.deepEqual([table.state(slot), table.lawId(slot)], [id, lawId], 'every key is findable')
    }
    const visited = new Set<number>()
    table.forEach((slot) => {
      visited.add(table.state(slot))
    })
    assert.deepEqual(visited, new Set(this.#held().map(({ id }) => id)))
  }

  /** Asserts that the table let go of `atLeast` entries or more, all of them out of `candidates`. */
  #left(atLeast: number, candidates: readonly Entry[]): void {
    const gone = candidates.filter(({ id }) => this.#released.includes(id))
    assert.ok(gone.length >= atLeast, 'what had to go went')
    assert.equal(gone.length, this.#released.length, 'nothing else went, and nothing twice')
    for (const { low, high } of gone) this.#entries.delete(`${low} ${high}`)
    this.#released.length = 0
  }

  #held(): Entry[] {
    return [...this.#entries.values()]
  }

  #expired(): Entry[] {
    return this.#held().filter(({ heat }) => heat === 0)
  }

  #nth(nth: number): Entry | undefined {
    return this.#held()[nth % this.#entries.size]
  }
}

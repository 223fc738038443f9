import { type CompiledPolicy, compilePolicy } from '../../../policy/index.js'
import type { Cells } from '../memory/cells.js'
import { HEADER, LAW_DOUBLES, type Layout, TAGS } from '../memory/layout.js'

export type Law = CompiledPolicy['law']

const ALGORITHMS = ['token-bucket', 'sliding-window'] as const

/**
 * The directory of policies: four doubles each, which are algorithm, rate, period and limit. A tag is a policy's place in it, and
 * stands for the same in all threads: whoever makes room must be able to judge keys of policies that it never opened.
 */
export class Laws {
  readonly #cells: Cells
  readonly #layout: Layout
  readonly #known: (Law | null)[] = []

  constructor(cells: Cells, layout: Layout) {
    this.#cells = cells
    this.#layout = layout
  }

  /** The law of a tag; null if there is none, or none that makes sense. */
  get(tag: number): Law | null {
    const known = this.#known[tag]
    if (known !== undefined) return known
    const law = this.#read(tag)
    if (law !== null) this.#known[tag] = law
    return law
  }

  /** The tag of a policy, new or known; -1 where the directory is full. For who holds the directory's lock. */
  tagOf({ algorithm, rate, per, limit, law }: CompiledPolicy): number {
    const numbers = [ALGORITHMS.indexOf(algorithm), rate, per, limit]
    const count = this.#count()
    let tag = 0
    while (tag < count && !this.#isAt(tag, numbers)) tag++
    if (tag === TAGS) return -1
    if (tag === count) {
      for (const [i, number] of numbers.entries()) this.#cells.setDouble(this.#at(tag) + 2 * i, number)
      this.#cells.publish(HEADER.LAWS, count + 1)
    }
    this.#known[tag] = law
    return tag
  }

  #read(tag: number): Law | null {
    if (tag >= this.#count()) return null
    const from = this.#at(tag) >> 1
    const [algorithm, rate, per, limit] = this.#cells.doubles.subarray(from, from + LAW_DOUBLES)
    const numbers = { algorithm: ALGORITHMS[algorithm], rate, per }
    try {
      return compilePolicy(algorithm === 0 ? { ...numbers, burst: limit } : numbers, 'shared').law
    } catch {
      return null
    }
  }

  #isAt(tag: number, numbers: readonly number[]): boolean {
    const from = this.#at(tag) >> 1
    return numbers.every((number, i) => this.#cells.doubles[from + i] === number)
  }

  #at(tag: number): number {
    return this.#layout.laws + tag * LAW_DOUBLES * 2
  }

  #count(): number {
    const count = Atomics.load(this.#cells.words, HEADER.LAWS)
    return Math.min(Math.max(0, count), TAGS)
  }
}

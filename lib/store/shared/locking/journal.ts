import type { Cells } from '../memory/cells.js'
import type { Layout } from '../memory/layout.js'
import { OWNER, OWNER_WORDS, PAGE_WORDS } from '../memory/layout.js'

/**
 * What a thread would have put back if it died now. Before words are written their old values are noted here; one word in the
 * owner's record says how much of the journal counts. Setting it to 0 is what makes a charge, in all its parts, happen.
 *
 * An entry is its old values, their place, and how many they are: it is read from its end.
 */
export class Journal {
  readonly #cells: Cells
  readonly #countAt: number
  readonly #base: number
  readonly #capacity: number

  constructor(cells: Cells, layout: Layout, owner: number) {
    this.#cells = cells
    this.#countAt = layout.owners + owner * OWNER_WORDS + OWNER.JOURNALED
    this.#base = layout.journals + owner * layout.journalWords
    this.#capacity = layout.journalWords
  }

  /** Notes `length` words from `at` on, which may then be written. */
  save(at: number, length: number): void {
    const cells = this.#cells
    const { words } = cells
    let count = words[this.#countAt]
    // Only words that have been tampered with make a journal overflow. Then what was done so far stands.
    if (!(count >= 0 && count + length + 2 <= this.#capacity)) count = 0
    const to = this.#base + count
    for (let i = 0; i < length; i++) cells.set(to + i, words[at + i])
    cells.set(to + length, at)
    cells.set(to + length + 1, length)
    cells.publish(this.#countAt, count + length + 2)
  }

  /** Forgets what it says, while its thread holds no lock, and so before it takes one. */
  begin(): void {
    this.#cells.set(this.#countAt, 0)
  }

  /** What was written since the last commit happens now. */
  commit(): void {
    this.#cells.publish(this.#countAt, 0)
  }

  /**
   * Puts everything back, the last entry first. It may be done again by another if the one who does it dies. `mayWrite`
   * tells whether words lie in a part that the owner of the journal had locked.
   */
  rollBack(mayWrite: (at: number, length: number) => boolean): void {
    const cells = this.#cells
    const { words } = cells
    let end = Math.min(words[this.#countAt], this.#capacity)
    while (end >= 2) {
      const at = words[this.#base + end - 2]
      const length = words[this.#base + end - 1]
      end -= length + 2
      if (length < 0 || end < 0) break
      if (!mayWrite(at, length)) continue
      for (let i = 0; i < length; i++) cells.set(at + i, words[this.#base + end + i])
    }
    this.commit()
  }
}

/** The part that `length` words from `at` on lie in: in its page, or in its table and arena; -1 if in none, or not in one. */
export function partAt(layout: Layout, at: number, length: number): number {
  const last = at + Math.max(0, length - 1)
  const inPages = at < layout.journals
  const base = inPages ? layout.pages : layout.tables
  const size = inPages ? PAGE_WORDS : layout.partWords
  const part = Math.floor((at - base) / size)
  const whole = at >= base && part < layout.parts && Math.floor((last - base) / size) === part
  return whole ? part : -1
}

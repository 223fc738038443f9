import type { Cells } from '../memory/cells.js'
import { type Layout, OWNER, OWNER_WORDS } from '../memory/layout.js'

/**
 * The rollback journal of one thread, as in SQLite. A thread saves the old values of words here before it
 * writes them. One word in the owner's record says how many words of the journal count; setting it to 0
 * commits everything written since the last commit. The word is above 0 only while
 * the owner holds the locks of what it wrote.
 *
 * An entry is the old values, then their place, then their number, so a journal is read from its end.
 */
export class Journal {
  readonly #cells: Cells
  readonly #countAt: number
  readonly #base: number

  constructor(cells: Cells, layout: Layout, owner: number) {
    this.#cells = cells
    this.#countAt = layout.owners + owner * OWNER_WORDS + OWNER.JOURNALED
    this.#base = layout.journals + owner * layout.journalWords
  }

  /** Saves `length` words from `at` on. They may be written afterwards. */
  save(at: number, length: number): void {
    const cells = this.#cells
    const { words } = cells
    const count = words[this.#countAt]
    const to = this.#base + count
    for (let i = 0; i < length; i++) cells.set(to + i, words[at + i])
    cells.set(to + length, at)
    cells.set(to + length + 1, length)
    cells.publish(this.#countAt, count + length + 2)
  }

  /** Commits everything written since the last commit. */
  commit(): void {
    if (this.#cells.words[this.#countAt] !== 0) this.#cells.publish(this.#countAt, 0)
  }

  /**
   * Puts back everything since the last commit, the last entry first. If this thread ends halfway, another
   * may do it again.
   */
  rollBack(): void {
    const cells = this.#cells
    const { words } = cells
    let end = this.#base + words[this.#countAt]
    while (end > this.#base) {
      const at = words[end - 2]
      const length = words[end - 1]
      end -= length + 2
      for (let i = 0; i < length; i++) cells.set(at + i, words[end + i])
    }
    this.commit()
  }
}

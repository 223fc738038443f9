import type { Change, ChangeOptions } from '../../../types/index.js'
import { checkComment, checkWho } from '../../limits/index.js'
import { ownOptions } from '../../policy/index.js'

/** Most changes that are remembered. */
const MOST = 100

/** Who made a change, and why. */
export type Reason = Pick<Change, 'who' | 'comment'>

/** The reason that a caller gives, among the options that are `known`. Throws for what is not allowed. */
export function reasonOf(options: ChangeOptions, known: readonly string[] = []): Reason {
  const { who, comment = '' } = ownOptions(options, [...known, 'comment', 'who'], '')
  if (who !== undefined) checkWho(who, 'who')
  checkComment(comment, 'comment')
  return { who: who ?? null, comment }
}

/** The last changes of one registration. */
export class ChangeLog {
  /** The newest first. */
  #changes: readonly Change[] = []

  /** Those of other processes come up to a second late. */
  add(change: Change): void {
    const later = this.#changes.filter(({ at }) => at > change.at)
    const earlier = this.#changes.slice(later.length)
    this.#changes = [...later, change, ...earlier].slice(0, MOST)
  }

  list(): Change[] {
    return [...this.#changes]
  }
}

import type { AnyPolicy } from '../../../types/index.js'
import type { LimitsDocument, LimitsTarget } from '../../limits/index.js'
import type { Changes, Form } from './changes.js'
import type { OverrideList } from './override-list.js'

/** Puts documents of limits in force on the limiters of one registration. */
export class DocumentTarget implements LimitsTarget {
  readonly #changes: Changes
  readonly #overrides: OverrideList
  /** The limiters that the document in force changes, with the text of their changes. */
  #changed: ReadonlyMap<string, string> = new Map()

  constructor(changes: Changes, overrides: OverrideList) {
    this.#changes = changes
    this.#overrides = overrides
  }

  put({ limiters, overrides }: LimitsDocument): void {
    const changed = new Map<string, Form>()
    const texts = new Map<string, string>()
    for (const [name, change] of limiters) {
      texts.set(name, JSON.stringify(change))
      // What is equal stays, and so does what overrides have opened for it.
      if (this.#changed.get(name) === texts.get(name)) continue
      changed.set(name, this.#changes.changed(name, change as AnyPolicy))
    }
    for (const name of this.#changed.keys())
      if (!limiters.has(name)) changed.set(name, this.#changes.of(name).code)
    const forms = new Map<string, Form>()
    for (const [name, form] of changed) forms.set(name, this.#changes.over(name, form))
    const commits = [...forms].map(([name, form]) => this.#changes.prepare(name, form, changed.get(name)))
    commits.push(this.#overrides.prepare(overrides, forms))
    for (const commit of commits) commit()
    this.#changed = texts
  }
}

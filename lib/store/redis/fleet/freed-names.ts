import type { ExchangeCall, ExchangeReply } from './exchange.js'
import { MOST_NAMES } from './script.js'

/** Names of keys that were reset or blocked: those that other processes must hear of, and those of others. */
export class FreedNames {
  #waiting = new Set<string>()
  #isMany = false
  /** Of the names that were ever sent. */
  #count = '0'
  /** Those of the last reply, to be heard again. Nodes of a Cluster reply in any order. */
  #again: readonly string[] = []
  readonly #isCluster: boolean

  constructor(isCluster: boolean) {
    this.#isCluster = isCluster
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && !this.#isMany
  }

  add(name: string): void {
    if (!this.#isMany) this.#waiting.add(name)
    if (this.#waiting.size <= MOST_NAMES) return
    this.#waiting.clear()
    this.#isMany = true
  }

  /** Those that wait. They wait no more, unless they are given back. */
  take(): Pick<ExchangeCall, 'names' | 'count'> {
    const names = this.#isMany ? 'many' : this.#waiting
    this.#waiting = new Set()
    this.#isMany = false
    return { names, count: this.#count }
  }

  /** They could not be sent. */
  giveBack({ names }: Pick<ExchangeCall, 'names'>): void {
    if (names === 'many') {
      this.#waiting.clear()
      this.#isMany = true
    } else for (const name of names) this.add(name)
  }

  /** Reads the reply. Returns the names that other processes sent since the last one. */
  read({ names, count }: ExchangeReply, sent: Pick<ExchangeCall, 'names'>): readonly string[] | 'all' {
    this.#count = count
    if (names === 'all' || sent.names === 'many') return 'all'
    const own = new Set(sent.names)
    const others = names.filter((name) => !own.delete(name))
    const all = [...this.#again, ...others]
    this.#again = this.#isCluster ? others : []
    return all
  }
}

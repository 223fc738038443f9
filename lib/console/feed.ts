import type { ConsoleState, ConsoleTick } from '../../types/console.js'
import type { RateLimitRegistry } from '../../types/index.js'
import type { After } from '../store/index.js'
import { add, Differences, nonZero, zero } from './counts.js'
import { History, STEP } from './history.js'
import type { Source } from './stream.js'
import type { View } from './view.js'

/** Ticks for which a list of offenders stands: to make it is the most expensive part of a tick. */
const OFFENDERS_STAND = 3
/** Limiters whose offenders are worth a tick more. */
const LIMITERS_A_TICK = 20

/** What pages are told, from moment to moment. */
export class Feed implements Source {
  readonly #rateLimit: RateLimitRegistry
  readonly #view: View
  readonly #history: History
  readonly #now: () => number
  #stop = () => {}
  #differences = new Differences()
  #fingerprint = ''
  #ticks = 0
  /** The offenders that pages know, as JSON. */
  #offenders = ''

  /** `now` in milliseconds since 1970. */
  constructor(rateLimit: RateLimitRegistry, view: View, now: () => number) {
    this.#rateLimit = rateLimit
    this.#view = view
    this.#now = now
    this.#history = new History(rateLimit.stats(), now())
  }

  /** Samples the history from now on, also while no page is open: one that opens later shows what was. */
  start(after: After): void {
    this.#stop = after(STEP, () => {
      this.start(after)
      this.#history.sample(this.#rateLimit.stats(), this.#now())
    })
  }

  stop(): void {
    this.#stop()
  }

  state(): ConsoleState {
    return this.#view.state(this.#now(), this.#history.series())
  }

  begin(): void {
    const stats = this.#rateLimit.stats()
    this.#differences = new Differences()
    this.#differences.next(stats.limiters)
    this.#fingerprint = this.#view.fingerprint(stats, this.#view.processes())
    this.#ticks = 0
    this.#offenders = ''
  }

  tick(): { tick: ConsoleTick; state: ConsoleState | null } {
    const stats = this.#rateLimit.stats()
    const counts = this.#differences.next(stats.limiters)
    const processes = this.#view.processes()
    const tick: ConsoleTick = {
      now: this.#now(),
      total: [...counts.values()].reduce(add, zero()),
      limiters: Object.fromEntries([...counts].map(([name, each]) => [name, nonZero(each)])),
      waiting: stats.waiting,
      store: stats.store,
      processes,
      ...this.#newOffenders(Object.keys(stats.limiters).length),
    }
    const fingerprint = this.#view.fingerprint(stats, processes)
    const isOther = fingerprint !== this.#fingerprint
    this.#fingerprint = fingerprint
    return { tick, state: isOther ? this.state() : null }
  }

  /** The offenders, once in a while, if they have changed. */
  #newOffenders(limiters: number): Pick<ConsoleTick, 'offenders'> {
    const stand = Math.max(OFFENDERS_STAND, Math.ceil(limiters / LIMITERS_A_TICK))
    if (this.#ticks++ % stand > 0) return {}
    const offenders = this.#view.offenders()
    const text = JSON.stringify(offenders)
    if (text === this.#offenders) return {}
    this.#offenders = text
    return { offenders }
  }
}

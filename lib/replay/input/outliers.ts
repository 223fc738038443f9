import type { Entry } from '../readers/line.js'
import { HOUR } from '../time.js'

/** A time that is so far ahead of those before it is wrong, or there is a gap in the log. */
const JUMP = HOUR
/** So many requests in a row behind a jump are a gap. */
const GAP = 16

/**
 * Finds requests of a file whose times are wrong, such as those of damaged lines. One line from next year
 * would make all after it late. So requests that are far ahead are held until enough of them have come in a
 * row. If one comes that is not ahead, the times of those held were wrong: they count at its time. The first
 * requests of a file are held, too, as none before them says what is far ahead.
 */
export class Outliers {
  /** Requests whose times were wrong. */
  wrong = 0
  #latest = Number.NEGATIVE_INFINITY
  readonly #jump: number
  readonly #held: Entry[] = []
  readonly #ready: Entry[] = []

  /** `skew`: microseconds by which requests may be out of order. */
  constructor(skew: number) {
    this.#jump = JUMP + skew
  }

  /** Whether a request goes on now. Otherwise it is held. */
  admits(entry: Entry): boolean {
    if (entry.time <= this.#latest + this.#jump) {
      this.#latest = Math.max(this.#latest, entry.time)
      if (this.#held.length > 0) this.#correct(entry.time)
      return true
    }
    this.#held.push({ ...entry })
    if (this.#held.length === GAP) this.release()
    return false
  }

  /** Fills `entry` with a request that was held and goes on now. Returns false if there is none. */
  take(entry: Entry): boolean {
    const next = this.#ready.shift()
    if (next !== undefined) Object.assign(entry, next)
    return next !== undefined
  }

  /**
   * Lets all requests that are held go on, at their own times. One that is far ahead of most after it, and of
   * two at least, counts at the time of the next one.
   */
  release(): void {
    const held = this.#held.splice(0)
    for (let i = held.length - 1; i >= 0; i--) {
      const after = held.length - 1 - i
      const behind = held.filter(({ time }, j) => j > i && time < held[i].time - this.#jump).length
      if (behind >= 2 && behind > after / 2) {
        this.wrong++
        held[i].time = held[i + 1].time
      }
      this.#latest = Math.max(this.#latest, held[i].time)
    }
    this.#ready.push(...held)
  }

  #correct(time: number): void {
    this.wrong += this.#held.length
    for (const entry of this.#held.splice(0)) this.#ready.push({ ...entry, time })
  }
}

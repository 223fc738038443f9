import { hash } from 'node:crypto'
import { isIP } from 'node:net'
import type { Offender } from '../../types/index.js'
import { keyId } from './key-id.js'
import { type Denial, Sketch, type Tally } from './sketch.js'

/** The option `offenders`, checked, with its defaults. */
export interface OffenderSettings {
  readonly size: number
  /** Milliseconds. */
  readonly per: number
  readonly show: (key: string, limiter: string) => string
  /** The wall clock in milliseconds since 1970. */
  readonly now: () => number
  readonly dateOf: (ms: number) => Offender['first']
}

/** Characters of all keys of a period together, and of one key where there are many: more are cut off. */
const MOST_TEXT = 2_000_000
const LEAST_TEXT = 1000

/** What is counted of a key, with times in milliseconds since 1970. */
type CountedKey = Omit<Tally, 'sum'>

type Ranked = Pick<Offender, 'denied' | 'blocked' | 'shadowDenied'> & { readonly last: unknown }

/**
 * The keys of one limiter that are denied most. It holds two sketches: that of this period, and that of the
 * period before. So what happened long ago is forgotten, and no flood spoils the counts for ever.
 */
export class Offenders {
  readonly #limiter: string
  readonly #settings: OffenderSettings
  /** Most characters of a key that is remembered whole. Longer ones are counted by their beginning. */
  readonly #longest: number
  #current: Sketch
  #previous: Sketch
  /** When the current period began. */
  #start: number

  constructor(limiter: string, settings: OffenderSettings) {
    this.#limiter = limiter
    this.#settings = settings
    this.#longest = Math.max(LEAST_TEXT, Math.floor(MOST_TEXT / settings.size))
    this.#current = new Sketch(settings.size)
    this.#previous = new Sketch(settings.size)
    this.#start = settings.now()
  }

  add(key: string, denial: Denial): void {
    const now = this.#settings.now()
    this.#turn(now)
    this.#current.add(key.length > this.#longest ? `${key.slice(0, this.#longest)}…` : key, denial, now)
  }

  /** Those whose last denial is less than `per` ago, as they are counted, in no order. */
  tallies(): CountedKey[] {
    const now = this.#settings.now()
    const all = this.#keys(now).map((key) => this.#sum(key))
    return all.filter(({ last }) => now - last < this.#settings.per)
  }

  shown({ key, first, last, ...counts }: CountedKey): Offender {
    const { show, dateOf } = this.#settings
    const limiter = this.#limiter
    const [id, text] = [keyId(limiter, key), show(key, limiter)]
    return { limiter, id, key: text, ...counts, first: dateOf(first), last: dateOf(last) }
  }

  /** The key that an id stands for; null where it is not remembered, or not whole. */
  keyOf(id: string): string | null {
    const keys = this.#keys(this.#settings.now()).filter((key) => key.length <= this.#longest)
    return keys.find((key) => keyId(this.#limiter, key) === id) ?? null
  }

  #keys(now: number): string[] {
    this.#turn(now)
    return [...new Set([...this.#current.keys(), ...this.#previous.keys()])]
  }

  /** Begins a new period where the current one is over, and where the clock was set back. */
  #turn(now: number): void {
    const { per, size } = this.#settings
    const age = now - this.#start
    if (age >= 0 && age < per) return
    this.#previous = age < 2 * per ? this.#current : new Sketch(size)
    this.#current = new Sketch(size)
    this.#start = now
  }

  #sum(key: string): CountedKey {
    const [a, b] = [this.#previous.of(key), this.#current.of(key)]
    return {
      key,
      denied: a.denied + b.denied,
      blocked: a.blocked + b.blocked,
      shadowDenied: a.shadowDenied + b.shadowDenied,
      error: a.error + b.error,
      first: Math.min(a.first, b.first),
      last: Math.max(a.last, b.last),
    }
  }
}

/** Orders offenders: the worst first. Of equal ones, the latest. */
export function byDenials(a: Ranked, b: Ranked): number {
  return denialsOf(b) - denialsOf(a) || Number(b.last) - Number(a.last)
}

function denialsOf({ denied, blocked, shadowDenied }: Ranked): number {
  return denied + blocked + shadowDenied
}

/** The length of the prefix of a network, as in `2001:db8::/64`. */
const PREFIX = /\/\d{1,3}$/
const SHOWN = 4
const DIGITS = 8

/**
 * An IP or its network as it is. Any other key may be a secret or a name: its first four characters, and the
 * first eight hex digits of its SHA-256, by which an operator can tell keys apart and find a key that is
 * known.
 */
export function showKey(key: string): string {
  if (isIP(key.replace(PREFIX, '')) !== 0) return key
  // A character has one unit of UTF-16 or two, and is not to be cut in half.
  const start = [...key.slice(0, 2 * SHOWN)].slice(0, SHOWN).join('')
  return `${start}…${hash('sha256', key).slice(0, DIGITS)}`
}

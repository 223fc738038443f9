import type { AsyncStore, Charge, Store } from '../../types/index.js'
import { type After, after, newCharge } from '../store/index.js'

/** The permits are looked at this many times while a unit may be held. */
const LOOKS_PER_HOLD = 4
/** Milliseconds. Timers that are longer than 24 days would fire at once. */
const LONGEST_TIMER = 86_400_000

/** The units in progress of one take. They go back once. */
export class Permit {
  /** Copies of the charges whose units are in progress. */
  readonly charges: readonly Charge[]
  /** Milliseconds after which the units must be renewed. */
  readonly lifetime: number
  /** Milliseconds since the units were charged or renewed, or somewhat more. */
  age = 0
  /** The place in the list of permits. */
  index = 0
  /** A renewal that a store over a network has not answered yet. */
  renewing: Promise<void> | null = null
  readonly #permits: Permits
  #isReleased = false

  constructor(permits: Permits, charges: readonly Charge[]) {
    this.#permits = permits
    this.charges = charges
    this.lifetime = Math.min(...charges.map(({ bucket }) => bucket.policy.per)) / 2
  }

  /**
   * Gives the units back. A second call does nothing. Returns a promise where the store does. It never
   * rejects: units that do not get back are free again after `hold`.
   */
  release(): void | Promise<void> {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#permits.remove(this)
    // A renewal that is on its way changes what is to be given back.
    return this.renewing === null ? this.#giveBack() : this.renewing.then(() => this.#giveBack())
  }

  #giveBack(): void | Promise<void> {
    const held = this.charges.filter(({ cost }) => cost > 0)
    const reply = held.length === 0 ? undefined : this.#permits.store.refund(held)
    return reply?.catch(() => {})
  }
}

/**
 * The permits over one store. A unit in progress counts for `hold` at most, so that a killed process leaves
 * nothing behind. Permits renew what is held for longer: a refund of the old instant and a take of a new
 * one, in one turn, after a quarter to a half of `hold`. All permits share one timer, which keeps no process
 * alive.
 */
export class Permits {
  readonly store: Store
  /** Units that could not be renewed: others had taken them, or the key was blocked. The work went on. */
  lost = 0
  readonly #after: After
  readonly #permits: Permit[] = []
  /** Milliseconds between two looks. */
  #interval = LONGEST_TIMER
  #stop: (() => void) | null = null

  constructor(store: Store, timer: After = after) {
    this.store = store
    this.#after = timer
  }

  /** Notes the units of charges that were allowed and are in progress now. Null if there are none. */
  open(charges: readonly Charge[]): Permit | null {
    const held = charges.filter(isHeld)
    if (held.length === 0) return null
    const permit = new Permit(this, held.map(copy))
    this.#lookEvery(Math.min(LONGEST_TIMER, (permit.lifetime * 2) / LOOKS_PER_HOLD))
    permit.index = this.#permits.push(permit) - 1
    this.#stop ??= this.#after(this.#interval, this.#look)
    return permit
  }

  /** For a permit that is released. */
  remove(permit: Permit): void {
    const last = this.#permits.pop() as Permit
    if (last === permit) return
    this.#permits[permit.index] = last
    last.index = permit.index
  }

  /** Ends the timer. Permits that are open are renewed no more. */
  close(): void {
    this.#stop?.()
    this.#stop = null
  }

  #lookEvery(interval: number): void {
    if (interval >= this.#interval) return
    if (this.#stop !== null) {
      this.close()
      // Time that has passed since the last look must not be lost.
      this.#grow(this.#interval)
    }
    this.#interval = interval
  }

  readonly #look = () => {
    this.#stop = null
    this.#grow(this.#interval)
    if (this.#permits.length > 0) this.#stop = this.#after(this.#interval, this.#look)
  }

  /** Makes the permits older, and renews those that would be too old at the next look. */
  #grow(ms: number): void {
    for (const permit of this.#permits) {
      permit.age += ms
      if (permit.age + this.#interval > permit.lifetime && permit.renewing === null) this.#renew(permit)
    }
  }

  #renew(permit: Permit): void {
    permit.age = 0
    const charges = permit.charges.filter(({ cost }) => cost > 0)
    const { store } = this
    if (store.sync) {
      for (const charge of charges) this.#noteRenewal(charge, store.renew(charge))
      return
    }
    permit.renewing = Promise.all(charges.map((charge) => this.#renewOver(store, charge))).then(() => {
      permit.renewing = null
    })
  }

  async #renewOver(store: AsyncStore, charge: Charge): Promise<void> {
    try {
      // Both calls before the first reply, so that nobody else's call comes between them.
      const given = store.refund([{ ...charge }])
      const [taken] = await Promise.all([store.take([charge]), given])
      this.#noteRenewal(charge, taken)
    } catch {
      // The store did not answer. The units may still be there: ask again at the next look.
    }
  }

  #noteRenewal(charge: Charge, isRenewed: boolean): void {
    if (isRenewed) return
    this.lost += charge.cost
    charge.cost = 0
  }
}

function isHeld({ bucket, cost, source }: Charge): boolean {
  return bucket.policy.algorithm === 'concurrency' && cost > 0 && source !== 'none'
}

/** Without a spread, which takes 80 ns longer. */
function copy({ bucket, key, cost, chargedAt, source }: Charge): Charge {
  const charge = newCharge(bucket)
  charge.key = key
  charge.cost = cost
  charge.chargedAt = chargedAt
  charge.source = source
  return charge
}

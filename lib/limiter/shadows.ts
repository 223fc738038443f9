import type { Charge, Decision, Store, SyncStore } from '../../types/index.js'
import { concludeShadow } from '../observe/index.js'
import { isShadow } from '../policy/index.js'
import { decideEnforced } from './charges.js'
import type { Permit, Permits } from './permits.js'
import { takeAll } from './take.js'

/** The charges of one call: those that decide about it, and those that only count. */
export interface Apart<C> {
  readonly enforced: readonly C[]
  readonly shadows: readonly C[]
}

const NONE: readonly never[] = []

/** Whether any of these charges may be of a shadow. */
export function mayBeShadows(charges: readonly Charge[]): boolean {
  for (let i = 0; i < charges.length; i++) if (charges[i].bucket.policy.enforce < 1) return true
  return false
}

/** Sorts charges by whether their policies are enforced for their keys. */
export function apart<C extends Charge>(charges: readonly C[]): Apart<C> {
  if (!mayBeShadows(charges)) return { enforced: charges, shadows: NONE }
  const isCounted = ({ bucket, key }: C) => isShadow(bucket.policy, key)
  return { enforced: charges.filter((charge) => !isCounted(charge)), shadows: charges.filter(isCounted) }
}

/**
 * Asks each shadow by itself, as if it were alone, and calls `onTaken` with its verdict. Nothing waits for a
 * store over a network, and nobody hears of a store that fails: it has decided nothing.
 */
export function takeShadows<C extends Charge>(
  store: Store,
  shadows: readonly C[],
  onTaken: (charge: C) => void,
): void {
  for (const charge of shadows) {
    const finish = () => {
      concludeShadow(charge)
      onTaken(charge)
    }
    const answer = answerOf(store, charge)
    if (typeof answer === 'boolean') finish()
    else answer?.then(finish, () => {})
  }
}

/** Null where the store cannot answer. */
function answerOf(store: Store, charge: Charge): boolean | Promise<boolean> | null {
  try {
    return store.take([charge])
  } catch {
    return null
  }
}

/** Takes the enforced charges of a call, all or none, and in the same turn each of its shadows. */
export function takeApart(store: SyncStore, charges: readonly Charge[]): Decision
export function takeApart(store: Store, charges: readonly Charge[]): Decision | Promise<Decision>
export function takeApart(store: Store, charges: readonly Charge[]): Decision | Promise<Decision> {
  const { enforced, shadows } = apart(charges)
  const answer = enforced.length === 0 || takeAll(store, enforced)
  takeShadows(store, shadows, () => {})
  if (typeof answer === 'boolean') return decideEnforced(enforced, charges)
  return answer.then(() => decideEnforced(enforced, charges))
}

/** The units that shadows charged for one call. They go back as those of other policies do. */
export class ShadowUnits {
  readonly #store: Store
  readonly #permits: Permits | null
  readonly #charged: Charge[] = []
  readonly #inProgress: Permit[] = []
  #end: 'kept' | 'given back' | null = null

  /** Without `permits`, units in progress are as any others. */
  constructor(store: Store, permits: Permits | null) {
    this.#store = store
    this.#permits = permits
  }

  take(shadows: readonly Charge[]): void {
    takeShadows(this.#store, shadows, (charge) => {
      if (!charge.allowed) return
      const permit = this.#permits?.open([charge]) ?? null
      if (permit === null) this.#charged.push(charge)
      else this.#inProgress.push(permit)
      // The call may have ended before a store over a network answered.
      this.#release()
    })
  }

  /** The call is over: gives back the units in progress. */
  end(): void {
    this.#end ??= 'kept'
    this.#release()
  }

  /** The call was given up: gives back all units. */
  giveBack(): void {
    this.#end = 'given back'
    this.#release()
  }

  #release(): void {
    if (this.#end === null) return
    for (const permit of this.#inProgress.splice(0)) permit.release()
    if (this.#end === 'kept') return
    const reply = this.#store.refund(this.#charged.splice(0))
    if (reply !== undefined) reply.catch(() => {})
  }
}

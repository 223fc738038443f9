import type { Charge, Store, SyncStore } from '../../types/index.js'
import { conclude } from '../observe/index.js'
import { longestDelay } from './charges.js'

/**
 * Charges all or none, and returns whether all were allowed: every decision that charges, of a limiter or of
 * a request, is made and concluded here. With `holds`, the caller concludes what is delayed, as it may have
 * no place to hold it.
 */
export function takeAll(store: SyncStore, charges: readonly Charge[], holds?: boolean): boolean
export function takeAll(store: Store, charges: readonly Charge[], holds?: boolean): boolean | Promise<boolean>
export function takeAll(store: Store, charges: readonly Charge[], holds = false): boolean | Promise<boolean> {
  const allowed = store.take(charges)
  if (typeof allowed === 'boolean') return concluded(charges, allowed, holds)
  return allowed.then((allowed) => concluded(charges, allowed, holds))
}

function concluded(charges: readonly Charge[], allowed: boolean, holds: boolean): boolean {
  if (!holds || !allowed || longestDelay(charges) === 0) conclude(charges, allowed)
  return allowed
}

import type { Charge, Store, SyncStore } from '../../types/index.js'

/**
 * Charges all or none, and returns whether all were allowed. The one call of `store.take`: every decision
 * that charges, of a limiter or of a request, is concluded here.
 */
export function takeAll(store: SyncStore, charges: readonly Charge[]): boolean
export function takeAll(store: Store, charges: readonly Charge[]): boolean | Promise<boolean>
export function takeAll(store: Store, charges: readonly Charge[]): boolean | Promise<boolean> {
  return store.take(charges)
}

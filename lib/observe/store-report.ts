import type { Store, StoreReport } from '../../types/index.js'

/** The report of a store of any kind. */
export function reportOf(store: Store): StoreReport {
  return { kind: store.kind, state: store.sync ? 'up' : store.state, ...store.stats() }
}

import type { Bucket, Policy, Store } from '../../types/index.js'
import { compilePolicy, invalidOption } from '../policy/index.js'

/**
 * The law that a space is opened with, and that no key uses. Where several processes share a store it must be
 * the same in all of them, so it is not the policy that a process happens to see first.
 */
const FIRST = compilePolicy({ rate: 1, per: 'second' }, 'first')

/** A bucket in whose space laws may come and go. */
export function openSpace(store: Store, name: string): Bucket {
  return store.open({ ...FIRST, name }, name)
}

/** Throws `FST_FLOODGATE_OPTION` where a store cannot hold a key of each policy. */
export function checkRoom(store: Store, policies: readonly Policy[]): void {
  if (!store.sync) return
  const { maxKeys } = store.stats()
  if (policies.length > maxKeys)
    throw invalidOption('maxKeys', maxKeys, `at least one a policy: ${policies.length}`)
}

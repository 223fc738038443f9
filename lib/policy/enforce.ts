import type { Policy, PolicyOptions } from '../../types/index.js'
import { invalidOption } from './errors.js'

/** The share of the keys that a policy is enforced for. Throws `FST_FLOODGATE_OPTION`. */
export function compileEnforce(enforce: PolicyOptions['enforce'], option: string): number {
  if (enforce === undefined || enforce === true) return 1
  if (enforce === false) return 0
  if (typeof enforce === 'number' && enforce >= 0 && enforce <= 1) return enforce
  throw invalidOption(option, enforce, 'true, false, or the share of the keys that it denies: 0 to 1')
}

/** Whether a policy only counts a key. It depends on both alone, so that all processes agree. */
export function isShadow({ enforce }: Policy, key: string): boolean {
  return enforce < 1 && (enforce === 0 || placeOf(key) >= enforce)
}

/**
 * A place from 0 to 1 for a key: FNV-1a over its UTF-16 code units, without a seed, so that it is the same in
 * all processes. Of keys that differ in their last characters only, FNV-1a has high bits that hang together.
 * The finalizer of MurmurHash3 spreads them.
 */
function placeOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

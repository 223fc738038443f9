import { evictionWarning, StoreWarnings } from '../../warning.js'
import type { Connection } from './connection.js'

/** Finds out whether the server forgets keys in use when its memory is full, and warns. */
export class EvictionCheck {
  readonly #warnings = new StoreWarnings()
  readonly onWarning = this.#warnings.onWarning

  /** Asks the server. Silent where it does not tell: its user may not have the permission. */
  async run(connection: Connection): Promise<void> {
    const infos = await connection.memoryInfo().catch(() => [])
    const policy = infos.map(forgetfulPolicy).find((policy) => policy !== undefined)
    if (policy !== undefined) this.#warnings.warn('FST_FLOODGATE_W008', policy, evictionWarning(policy))
  }
}

/**
 * The policy by which a server forgets keys that are in use, out of its INFO memory; undefined where it
 * forgets none. Every policy but `noeviction` does: `volatile-ttl` forgets the denied key of a window before
 * one that was charged later.
 */
function forgetfulPolicy(info: unknown): string | undefined {
  const text = String(info)
  const policy = /^maxmemory_policy:([\w-]+)/m.exec(text)?.[1]
  return policy === 'noeviction' || !/^maxmemory:[1-9]/m.test(text) ? undefined : policy
}

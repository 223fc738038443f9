import { circuitOpen } from '../errors.js'
import type { RedisKey } from '../keys.js'
import type { DenyCache } from '../local/deny-cache.js'
import type { Leases } from '../local/leases.js'
import type { Blocks } from './blocks.js'
import { UpdateCall } from './calls.js'
import type { KeyedCharges } from './cross-shard.js'
import type { Dispatcher } from './dispatcher.js'

export interface KeyChangesParts {
  readonly denyCache: DenyCache
  readonly leases: Leases | null
  readonly dispatcher: Dispatcher
  readonly blocks: Blocks
  /** Whether the store is asked about keys now. */
  readonly admits: (keys: readonly RedisKey[]) => boolean
  /** Called when a key was reset or blocked, or may have been: other processes must forget it. */
  readonly onFreed: (name: string) => void
}

/** Changes keys whatever they have spent. Each change rejects where the store does not answer. */
export class KeyChanges {
  readonly #parts: KeyChangesParts

  constructor(parts: KeyChangesParts) {
    this.#parts = parts
  }

  refund(keyed: KeyedCharges): Promise<void> {
    return this.#update('refund', keyed)
  }

  reset(keyed: KeyedCharges): Promise<void> {
    return this.#free(keyed.keys, () => this.#update('reset', keyed))
  }

  /** Blocks a key for so many ms. */
  block(redisKey: RedisKey, ms: number): Promise<void> {
    return this.#free([redisKey], () => {
      if (!this.#parts.admits([redisKey])) return Promise.reject(circuitOpen())
      return this.#parts.blocks.replace(redisKey, Math.ceil(ms * 1000))
    })
  }

  /** Forgets what this process remembers of keys. */
  forget(names: readonly string[]): void {
    const { denyCache, leases } = this.#parts
    const keys = names.map((name) => ({ name }))
    for (const key of keys) leases?.drop(key)
    denyCache.lift(keys)
  }

  /** Other processes forget when the key has changed: before, they would remember what is out of date. */
  async #free(keys: readonly RedisKey[], change: () => Promise<void>): Promise<void> {
    const names = keys.map(({ name }) => name)
    this.forget(names)
    try {
      await change()
    } finally {
      for (const name of names) this.#parts.onFreed(name)
    }
  }

  #update(verb: 'refund' | 'reset', keyed: KeyedCharges): Promise<void> {
    const { admits, denyCache, dispatcher } = this.#parts
    const { keys } = keyed
    if (!admits(keys)) return Promise.reject(circuitOpen())
    return new Promise((resolve, reject) => {
      dispatcher.send(keys[0].shard, new UpdateCall(denyCache, verb, keyed, resolve, reject))
    })
  }
}

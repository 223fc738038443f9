import type { Charge } from '../../../../types/index.js'
import { newCharge } from '../../charge.js'
import { blockedVerdict } from '../../verdict.js'
import type { RedisKey } from '../keys.js'
import type { DenyCache } from '../local/deny-cache.js'
import { isBlocking } from '../verdicts.js'
import type { Call } from './calls.js'
import type { KeyedCharges } from './cross-shard.js'
import type { Dispatcher } from './dispatcher.js'
import type { Reply } from './reply.js'

export interface BlocksParts {
  readonly denyCache: DenyCache
  readonly dispatcher: Dispatcher
}

/** The next block of a law, unless the key is blocked. Else the length of a block is in microseconds. */
const NEXT = Number.POSITIVE_INFINITY

/** Blocks keys, each by a call of its own, as they may be of several shards. */
export class Blocks {
  readonly #parts: BlocksParts

  constructor(parts: BlocksParts) {
    this.#parts = parts
  }

  /**
   * After a take was denied: begins the blocks that the denial begins, and writes their verdicts. A key that
   * cannot be blocked stays denied. Then calls `done`.
   */
  begin({ charges, keys }: KeyedCharges, done: () => void): void {
    let pending = 1
    const end = () => {
      pending--
      if (pending === 0) done()
    }
    for (const [i, charge] of charges.entries()) {
      if (!isBlocking(charge)) continue
      pending++
      const onBlocked = (left: number) => {
        blockedVerdict(charge, left)
        end()
      }
      this.#send(keys[i], NEXT, onBlocked, end)
    }
    end()
  }

  /** Blocks a key for so many microseconds, in place of what it has. */
  replace(redisKey: RedisKey, length: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#send(redisKey, length, () => resolve(), reject)
    })
  }

  #send(redisKey: RedisKey, length: number, onBlocked: OnBlocked, onFailure: (error: Error) => void): void {
    this.#parts.dispatcher.send(
      redisKey.shard,
      new BlockCall(this.#parts, redisKey, length, onBlocked, onFailure),
    )
  }
}

type OnBlocked = (left: number) => void

class BlockCall implements Call {
  readonly verb = 'block'
  /** Its `chargedAt` is the length. */
  readonly charges: readonly Charge[]
  readonly keys: readonly RedisKey[]
  readonly #parts: BlocksParts
  readonly #onBlocked: OnBlocked
  readonly #onFailure: (error: Error) => void

  constructor(
    parts: BlocksParts,
    redisKey: RedisKey,
    length: number,
    onBlocked: OnBlocked,
    onFailure: (error: Error) => void,
  ) {
    this.charges = [{ ...newCharge(redisKey.bucket), key: redisKey.key, chargedAt: length }]
    this.keys = [redisKey]
    this.#parts = parts
    this.#onBlocked = onBlocked
    this.#onFailure = onFailure
  }

  readReply(reply: Reply): void {
    const left = reply.read()
    this.#parts.denyCache.remember(this.keys, [{ at: reply.sentAt, left }])
    this.#onBlocked(left)
  }

  fail(error: Error): void {
    // A call that failed may have run.
    this.#parts.denyCache.lift(this.keys)
    this.#onFailure(error)
  }
}

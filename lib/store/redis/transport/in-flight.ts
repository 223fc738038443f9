import type { Run } from '../clients/connection.js'
import type { Batch } from './batch.js'
import type { EndTrace } from './trace.js'

/** A batch on its way. */
export interface InFlight {
  readonly shard: number
  readonly batch: Batch
  readonly keys: readonly string[]
  /** Those of the script; the first is the deadline. */
  readonly args: string[]
  /** Local time, in microseconds. */
  readonly sentAt: number
  run: Run | null
  /** It was sent once more, as it came too late. */
  wasSentAgain: boolean
  /**
   * It was answered or given up. Kept here and not in a set: the table that a Set or Map leaves behind when
   * it is cleared or grows points to its successor. Once that table is old, the young collector cannot free
   * what it points to.
   */
  isOver: boolean
  /** Null where nobody traces calls. */
  endTrace: EndTrace | null
}

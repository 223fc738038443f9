import type { BlockLengths, Charge } from '../../../../types/index.js'
import { blockLength, MOST_OFFENCES } from '../../../policy/index.js'
import { blockedVerdict } from '../../verdict.js'
import type { Effect, Place, SharedBucket } from './keeper.js'
import type { Part } from './part.js'

/** The heat of offences: less than that of any key that counts. */
const FAINT = Number.MIN_VALUE

/** As `Keeper.judge`, for a key that may be blocked. */
export function judge(charge: Charge, cost: number, place: Place, now: number, effect: Effect): boolean {
  if (isBlocked(place, now)) {
    blockedVerdict(charge, place.part.until(place.at) - now)
    return false
  }
  return (charge.bucket as SharedBucket).keeper.judge(charge, cost, place, now, effect)
}

export function isBlocked({ part, at }: Place, now: number): boolean {
  return at >= 0 && part.until(at) > now
}

/**
 * Writes what a denial leaves behind. If the policy blocks, a block begins and the verdict says its end; else
 * the key is being denied. A cost that never fits leaves nothing behind. Other keys may be forgotten, and the
 * key may move.
 */
export function noteDenial(charge: Charge, place: Place, now: number): void {
  if (charge.blocked || charge.retryAfter === Number.POSITIVE_INFINITY) return
  const { block } = charge.bucket.policy
  if (block === null) {
    charge.first = !place.part.isDenied(place.at)
    place.part.setDenied(place.at, true)
  } else {
    // Another charge of the same call may have blocked the key.
    charge.first = !isBlocked(place, now)
    if (charge.first) beginBlock(block, place, now)
    blockedVerdict(charge, place.part.until(place.at) - now)
  }
}

/** Blocks a key, and counts that where further blocks are longer. */
function beginBlock(block: BlockLengths, place: Place, now: number): void {
  const { part, low, high } = place
  const offences = block.factor > 1 ? placeOffences(place) : -1
  const before = offences >= 0 && part.until(offences) > now ? part.offences(offences) : 0
  const end = now + blockLength(block, before)
  // Making room may have moved the key.
  place.at = part.find(low, high)
  part.block(place.at, end)
  if (offences < 0) return
  part.setUntil(offences, end + Math.round(block.forget * 1000), Math.min(before + 1, MOST_OFFENCES))
}

/** The slot for the offences of a key, or -1 if there is no room for it. */
function placeOffences(place: Place): number {
  const at = findOffences(place)
  return at >= 0 ? at : place.part.insertIfRoom(place.low, offencesHigh(place.high))
}

/** The slot of the offences of a key, or -1. */
export function findOffences({ part, low, high }: Place): number {
  return part.find(low, offencesHigh(high))
}

/** The digest of a key's offences differs in one bit, which does not count when a part is chosen. */
function offencesHigh(high: number): number {
  return high ^ 1
}

/** As `Evictor.heat`, for a slot that is a mark. */
export function heatOfMark(part: Part, at: number, now: number): number {
  const left = part.until(at) - now
  if (left <= 0) return 0
  return part.offences(at) > 0 ? FAINT : 1 + left
}

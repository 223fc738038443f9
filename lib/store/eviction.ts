/** A full table looks at this many slots before it forgets a live key. */
const LOOK_WHEN_FULL = 32
/**
 * A table of up to this many slots looks at all of them. A larger one looks at this many to find a key not
 * denied.
 */
const LOOK_AT_MOST = 256

/**
 * From this share of its keys on, each new key makes the table look at some slots and free the expired ones.
 */
export const CROWDED = 7 / 8
export const LOOK_WHEN_CROWDED = 16

/** The parts of a table that eviction needs. A hand goes round over the slots, as in the CLOCK algorithm. */
export interface Evictable {
  readonly slots: number
  readonly keys: number
  /** The slot to look at next. */
  hand: number
  /**
   * 0: expired, so forgetting it loses nothing; up to 1: the share of its limit that is spent; above 1: being
   * denied, and higher the longer it takes until the key is as new. So a key that is denied for long outlives
   * those that are denied for a moment, which are cheap to make. `Infinity` for a slot that is empty, or not
   * to be touched.
   */
  heatAt(slot: number): number
  /** Empties a slot. Other keys may move, often into that slot. */
  remove(slot: number): void
}

/** Moves the hand over `count` slots and frees the expired keys there. Returns how many. */
export function freeExpired(table: Evictable, count: number): number {
  const before = table.keys
  for (let i = 0; i < count; i++) {
    while (table.heatAt(table.hand) === 0) table.remove(table.hand)
    table.hand = next(table)
  }
  return before - table.keys
}

/**
 * Makes room in a full table. Frees expired keys and returns -1 if the hand meets any. Otherwise returns the
 * coolest slot that it met, or -1 if there is none.
 */
export function freeOrFind(table: Evictable): number {
  const before = table.keys
  const atLeast = table.slots <= LOOK_AT_MOST ? table.slots : LOOK_WHEN_FULL
  let coolest = -1
  let coolestHeat = Number.POSITIVE_INFINITY
  // It looks until it has met a key, however many empty slots come first.
  for (
    let i = 0;
    i < atLeast ||
    (coolestHeat > 1 && table.keys === before && i < (coolest < 0 ? table.slots : LOOK_AT_MOST));
    i++
  ) {
    let heat = table.heatAt(table.hand)
    while (heat === 0) {
      table.remove(table.hand)
      heat = table.heatAt(table.hand)
    }
    if (heat < coolestHeat) {
      coolest = table.hand
      coolestHeat = heat
    }
    table.hand = next(table)
  }
  return table.keys < before ? -1 : coolest
}

function next({ hand, slots }: Evictable): number {
  return hand + 1 === slots ? 0 : hand + 1
}

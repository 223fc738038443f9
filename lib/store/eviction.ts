/** Slots that a full table looks at before it forgets a live key; tables of up to that many are looked at whole. */
const LOOK_WHEN_FULL = 32
const LOOK_AT_MOST = 256

/** From this share of its keys on, each new key pays for a look at this many slots, to free what has expired. */
export const CROWDED = 7 / 8
export const LOOK_WHEN_CROWDED = 16

/** A table, as far as the hand that goes round over it needs to know. */
export interface Evictable {
  readonly slots: number
  readonly keys: number
  /** The slot at which the hand stands. */
  hand: number
  /**
   * 0: expired, so forgetting it loses nothing; up to 1: the share of its limit that is spent; above 1: being denied, and higher the
   * longer it takes until the key is as new. So a key that is denied for long outlives those that are denied for a moment,
   * which are cheap to make. `Infinity` for a slot that is empty, or not to be touched.
   */
  heatAt(slot: number): number
  /** Empties a slot. Other slots may move, into that one above all. */
  remove(slot: number): void
}

/** Lets the hand pass over `count` slots and frees what has expired there; returns how many went. */
export function freeExpired(table: Evictable, count: number): number {
  const before = table.keys
  for (let i = 0; i < count; i++) {
    while (table.heatAt(table.hand) === 0) table.remove(table.hand)
    table.hand = next(table)
  }
  return before - table.keys
}

/** Makes room in a full table: frees expired keys if the hand meets any, else returns the coolest slot that it met, or -1. */
export function freeOrFind(table: Evictable): number {
  const before = table.keys
  const atLeast = table.slots <= LOOK_AT_MOST ? table.slots : LOOK_WHEN_FULL
  let coolest = -1
  let coolestHeat = Number.POSITIVE_INFINITY
  // However long a row of empty slots it meets, it looks until it has met a key.
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

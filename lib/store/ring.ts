import type { Ring } from '../policy/index.js'

const NOTHING = new Float64Array(0)

/** Returns a ring without slots. A store points it at the ring of a key. */
export function newRing(): Ring {
  return { slots: NOTHING, base: 0, capacity: 0, start: 0, count: 0 }
}

/** Points `ring` at no slots: the ring of a key that the store does not hold. */
export function unload(ring: Ring): void {
  ring.slots = NOTHING
  ring.base = ring.capacity = ring.start = ring.count = 0
}

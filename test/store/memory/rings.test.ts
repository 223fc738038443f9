import fc from 'fast-check'
import { test } from 'tap'
import { newestOf, oldestOf, RingArena } from '../../../lib/store/memory/rings.js'
import { newRing } from '../../../lib/store/ring.js'

/** Opens a ring of `units` slots or more that holds `values`. */
function openWith(arena: RingArena, units: number, values: number[]): number {
  const ref = arena.open(units)
  const ring = newRing()
  arena.load(ref, ring)
  for (const [i, value] of values.entries()) ring.slots[ring.base + i] = value
  arena.save(ref, ring, 0, values.length)
  return ref
}

/** The values of a ring, oldest first. */
function valuesOf(arena: RingArena, ref: number): number[] {
  const ring = newRing()
  arena.load(ref, ring)
  return Array.from(
    { length: ring.count },
    (_, i) => ring.slots[ring.base + ((ring.start + i) % ring.capacity)],
  )
}

function capacityOf(arena: RingArena, ref: number): number {
  const ring = newRing()
  arena.load(ref, ring)
  return ring.capacity
}

test('a ring has room for what was asked, and less than twice as much', async (t) => {
  const arena = new RingArena()
  for (let units = 1; units <= 4; units++) t.equal(capacityOf(arena, arena.open(units)), 4)
  for (const units of [5, 7, 8, 9, 16, 17, 1000, 1024, 1025, 8191, 8192, 8193, 999_999, 1_000_000]) {
    t.equal(capacityOf(arena, arena.open(units)), 2 ** Math.ceil(Math.log2(units)), `${units} units`)
  }
})

test('a ring that was closed is used again, and begins empty', async (t) => {
  const arena = new RingArena()
  const kept = openWith(arena, 3, [1, 2, 3])
  const closed = openWith(arena, 3, [4, 5, 6])
  arena.close(closed)
  const again = arena.open(4)
  t.equal(again, closed)
  t.same(valuesOf(arena, again), [])
  t.same(valuesOf(arena, kept), [1, 2, 3])
})

/** Chunks of memory that a list of rings lies in. */
function chunksOf(arena: RingArena, refs: readonly number[]): Set<Float64Array> {
  const ring = newRing()
  return new Set(
    refs.map((ref) => {
      arena.load(ref, ring)
      return ring.slots
    }),
  )
}

test('memory goes back chunk by chunk, however long one ring of that size lives on', async (t) => {
  const arena = new RingArena()
  const kept = openWith(arena, 4, [7, 8])
  const refs = Array.from({ length: 5000 }, () => arena.open(4))
  const before = chunksOf(arena, refs)
  t.ok(before.size > 3)
  for (const ref of refs) arena.close(ref)
  const again = Array.from({ length: 5000 }, () => arena.open(4))
  const after = chunksOf(arena, again)
  t.equal(after.size, before.size, 'the numbers of what was given up are used again')
  t.equal(
    [...after].filter((chunk) => before.has(chunk)).length,
    2,
    'only the chunk of the ring that lives was kept, and one that is idle',
  )
  t.equal(new Set(again).size, 5000, 'no two rings have one number')
  t.same(valuesOf(arena, kept), [7, 8])
})

test('the last chunk of small rings is kept, so that a lone key costs no allocation each time', async (t) => {
  const arena = new RingArena()
  const [before] = chunksOf(arena, [arena.open(4)])
  for (let i = 0; i < 3000; i++) arena.close(arena.open(4))
  const ref = arena.open(4)
  arena.close(ref)
  t.ok(chunksOf(arena, [arena.open(4)]).has(before))
})

test('a key at the border of a chunk finds the same chunk again each time', async (t) => {
  const arena = new RingArena()
  const first = arena.open(4)
  const perChunk = [...chunksOf(arena, [first])][0].length / 8
  for (let i = 1; i < perChunk; i++) arena.open(4)
  const ref = arena.open(4)
  const [chunk] = chunksOf(arena, [ref])
  arena.close(ref)
  for (let i = 0; i < 10; i++) {
    const again = arena.open(4)
    t.ok(chunksOf(arena, [again]).has(chunk))
    arena.close(again)
  }
})

test('a ring that grows keeps its values in order, wherever it had started', async (t) => {
  for (let start = 0; start < 4; start++) {
    const arena = new RingArena()
    const ref = arena.open(4)
    const ring = newRing()
    arena.load(ref, ring)
    for (let i = 0; i < 4; i++) ring.slots[ring.base + ((start + i) % 4)] = 10 + i
    arena.save(ref, ring, start, 4)
    arena.load(ref, ring)
    const grown = arena.move(ref, ring, 9)
    t.same(valuesOf(arena, grown), [10, 11, 12, 13])
    t.equal(ring.capacity, 16)
    t.equal(ring.count, 4, 'the ring in hand points at the new place')
    t.equal(arena.open(1), ref, 'the old place is free')
  }
})

test('a ring returns its oldest and its newest instant as they were saved, wherever it starts', async (t) => {
  const arena = new RingArena()
  const ref = openWith(arena, 4, [10, 20, 30, 40])
  const ring = newRing()
  for (let start = 0; start < 4; start++) {
    for (let count = 1; count <= 4; count++) {
      arena.load(ref, ring)
      arena.save(ref, ring, start, count)
      arena.load(ref, ring)
      t.same([oldestOf(ring), newestOf(ring)], [10 + 10 * start, 10 + 10 * ((start + count - 1) % 4)])
    }
  }
  arena.save(ref, ring, 3, 3)
  arena.load(ref, ring)
  arena.move(ref, ring, 9)
  t.same([oldestOf(ring), newestOf(ring)], [40, 20], 'and when it has moved')
})

test('rings never overlap, whatever is opened, grown and closed', async () => {
  const size = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) },
    fc.integer({ min: 1, max: 20_000 }),
  )
  const step = fc.record({ verb: fc.constantFrom('open', 'open', 'grow', 'close'), nth: fc.nat(), size })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), (steps) => {
      const arena = new RingArena()
      const rings: { ref: number; values: number[] }[] = []
      let value = 0
      for (const { verb, nth, size } of steps) {
        const at = nth % Math.max(1, rings.length)
        const values = Array.from({ length: Math.min(size, 50) }, () => value++)
        if (verb === 'open') rings.push({ ref: openWith(arena, size, values), values })
        else if (rings.length > 0 && verb === 'close') arena.close(rings.splice(at, 1)[0].ref)
        else if (rings.length > 0) {
          const ring = newRing()
          arena.load(rings[at].ref, ring)
          rings[at].ref = arena.move(rings[at].ref, ring, ring.capacity + 1)
        }
        if (!rings.every(({ ref, values }) => `${valuesOf(arena, ref)}` === `${values}`)) return false
      }
      return true
    }),
  )
})

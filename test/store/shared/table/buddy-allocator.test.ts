import fc from 'fast-check'
import { test } from 'tap'
import type { Ring } from '../../../../lib/policy/index.js'
import { newRing } from '../../../../lib/store/ring.js'
import { Journal } from '../../../../lib/store/shared/locking/journal.js'
import { Cells } from '../../../../lib/store/shared/memory/cells.js'
import { PART } from '../../../../lib/store/shared/memory/layout.js'
import { BuddyAllocator } from '../../../../lib/store/shared/table/buddy-allocator.js'
import { ThreadSimulation } from '../../../fixtures/threads/thread-simulation.js'

/** An allocator for an arena of 2^order doubles. */
function arenaOf(order: number) {
  const { memory, layout } = new ThreadSimulation({ maxKeys: 10, maxThreads: 1, maxUnits: 2 ** order })
  const cells = new Cells(memory)
  const journal = new Journal(cells, layout, 0)
  const arena = layout.tables + layout.tableWords
  const blocks = new BuddyAllocator(cells, journal, arena, layout.partHeaders + PART.FREE, order)
  return { cells, journal, blocks }
}

function ringOf(blocks: BuddyAllocator, ref: number): Ring {
  const ring = newRing()
  blocks.load(ref, ring)
  return ring
}

test('a block is split in halves, and two free halves become one block again', async (t) => {
  const { blocks } = arenaOf(6)
  const small = blocks.take(3, 5)
  t.equal(ringOf(blocks, small).capacity, 6, 'eight doubles, two of them for start and count')
  t.equal(blocks.has(5), true)
  t.equal(blocks.has(6), false)
  const large = blocks.take(5, 5)
  t.equal(ringOf(blocks, large).capacity, 30)
  t.equal(blocks.take(5, 5), 0, 'there is no other of that size')
  t.equal(blocks.has(4), true)
  blocks.give(large)
  t.equal(blocks.has(6), false)
  blocks.give(small)
  t.equal(blocks.has(6), true)
})

interface Step {
  give: boolean
  nth: number
  order: number
  undone: boolean
}

/** Takes a block or gives one back, and then commits or rolls back. `refs` are the blocks in use. */
function play({ blocks, journal }: ReturnType<typeof arenaOf>, refs: number[], step: Step): void {
  if (step.give && refs.length > 0) {
    const at = step.nth % refs.length
    blocks.give(refs[at])
    if (!step.undone) refs.splice(at, 1)
  } else {
    const ref = blocks.take(step.order, 5)
    if (ref !== 0 && !step.undone) refs.push(ref)
  }
  if (step.undone) journal.rollBack()
  else journal.commit()
}

test('blocks never overlap, all of them come back, and a roll-back restores them', async () => {
  const undone = fc.nat(5).map((one) => one === 0)
  const step = fc.record({ give: fc.boolean(), nth: fc.nat(), order: fc.integer({ min: 3, max: 7 }), undone })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const arena = arenaOf(9)
      const refs: number[] = []
      for (const step of steps) play(arena, refs, step)
      const spans = refs.map((ref) => ringOf(arena.blocks, ref)).sort((a, b) => a.base - b.base)
      const apart = spans.every(({ base }, i) => i === 0 || spans[i - 1].base + spans[i - 1].capacity < base)
      for (const ref of refs) arena.blocks.give(ref)
      return apart && arena.blocks.has(9)
    }),
    { numRuns: 500 },
  )
})

test('instants that lie round the end of a ring are saved in two pieces', async (t) => {
  const { blocks, cells, journal } = arenaOf(6)
  const ring = ringOf(blocks, blocks.take(3, 5))
  for (let i = 0; i < 6; i++) ring.slots[ring.base + i] = 10 + i
  journal.commit()
  for (const [start, from] of [
    [4, 1],
    [5, 2],
    [0, 3],
  ]) {
    blocks.saveInstants({ ...ring, start, count: 5 }, from)
    const noted = Array.from({ length: 5 - from }, (_, i) => (start + from + i) % 6)
    for (const i of noted) cells.doubles[ring.base + i] = 0
    journal.rollBack()
    t.same([...cells.doubles.slice(ring.base, ring.base + 6)], [10, 11, 12, 13, 14, 15])
  }
})

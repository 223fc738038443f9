import fc from 'fast-check'
import { test } from 'tap'
import type { Ring } from '../../../../lib/policy/index.js'
import { newRing } from '../../../../lib/store/ring.js'
import { Locks } from '../../../../lib/store/shared/locking/locks.js'
import { Cells } from '../../../../lib/store/shared/memory/cells.js'
import { PAGE } from '../../../../lib/store/shared/memory/layout.js'
import { Blocks } from '../../../../lib/store/shared/table/buddy-allocator.js'
import { Part } from '../../../../lib/store/shared/table/part.js'
import { World } from '../../../fixtures/threads/thread-simulation.js'

/** The arena of a new part: 2^order doubles. */
function arenaOf(order: number) {
  const { memory, layout } = new World({ maxKeys: 10, maxThreads: 1, maxUnits: 2 ** order })
  const cells = new Cells(memory)
  const owner = { heat: () => 0, release: () => {} }
  const lifeline = { name: 1, gone: () => false }
  const locks = new Locks(cells, layout, lifeline)
  const { journal } = locks
  const part = new Part(cells, layout, 0, locks, owner)
  const rollBack = () => journal.rollBack(() => true)
  return { cells, journal, part, rollBack, blocks: new Blocks(part, layout) }
}

function ringOf(blocks: Blocks, ref: number): Ring {
  const ring = newRing()
  blocks.load(ref, ring)
  return ring
}

test('blocks are halves of halves, and halves that are free become one again', async (t) => {
  const { blocks } = arenaOf(6)
  const small = blocks.take(3)
  t.equal(ringOf(blocks, small).capacity, 6, 'eight doubles, two of them for start and count')
  t.equal(blocks.has(5), true)
  t.equal(blocks.has(6), false)
  const large = blocks.take(5)
  t.equal(ringOf(blocks, large).capacity, 30)
  t.equal(blocks.take(5), 0, 'there is no other of that size')
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

/** Takes a block or gives one back, and then either commits that or puts it back; `refs` are the blocks in use. */
function play({ blocks, journal, rollBack }: ReturnType<typeof arenaOf>, refs: number[], step: Step): void {
  if (step.give && refs.length > 0) {
    const at = step.nth % refs.length
    blocks.give(refs[at])
    if (!step.undone) refs.splice(at, 1)
  } else {
    const ref = blocks.take(step.order)
    if (ref !== 0 && !step.undone) refs.push(ref)
  }
  if (step.undone) rollBack()
  else journal.commit()
}

test('blocks never overlap, all of them come back, and what was noted is put back', async () => {
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

test('a ref that names no block in use is no ring, and nothing is written for it', async (t) => {
  const { blocks, cells } = arenaOf(6)
  const ref = blocks.take(4)
  const before = cells.words.slice()
  for (const none of [0, -1, 9, 2 ** 40, Number.NaN, 1.5, ref + 1, ref + 4]) {
    const ring = ringOf(blocks, none)
    t.same([ring.base, ring.capacity, ring.start, ring.count], [0, 0, 0, 0], `${none}`)
    blocks.save(none, ring)
    blocks.give(none)
  }
  t.same(cells.words, before)
})

test('a ring whose start and count make no sense is empty', async (t) => {
  const { blocks, cells } = arenaOf(6)
  const ref = blocks.take(3)
  const at = ringOf(blocks, ref).base * 2 - 4
  for (const [start, count] of [
    [6, 7],
    [-1, -1],
  ]) {
    cells.words[at + 1] = start
    cells.words[at + 2] = count
    t.match(ringOf(blocks, ref), { start: 0, count: 0, capacity: 6 })
  }
  for (const order of [2, 7, 0x24, -1]) {
    cells.words[at] = order
    t.equal(ringOf(blocks, ref).capacity, 0, `order ${order}`)
  }
})

test('lists that lead nowhere end there', async (t) => {
  const { blocks, cells, part } = arenaOf(6)
  const list = part.page + PAGE.FREE
  const first = blocks.take(3)
  for (const head of [-1, 99, 2 ** 30]) {
    cells.words[list + 3] = head
    t.equal(blocks.has(3), true, 'a larger one is left')
  }
  cells.words[list + 4] = 2
  t.equal(blocks.take(4), 5, 'no block of that size begins there')
  t.equal(first, 1)
})

test('instants that lie round the end of a ring are noted in two pieces', async (t) => {
  const { blocks, cells, journal, rollBack } = arenaOf(6)
  const ring = ringOf(blocks, blocks.take(3))
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
    rollBack()
    t.same([...cells.doubles.slice(ring.base, ring.base + 6)], [10, 11, 12, 13, 14, 15])
  }
})

test('a journal that is full begins anew', async (t) => {
  const { cells, journal, part, rollBack } = arenaOf(6)
  const at = part.arena
  for (let i = 0; i < 10_000; i++) journal.save(at, 1)
  cells.words[at] = 5
  rollBack()
  t.equal(cells.words[at], 0)
})

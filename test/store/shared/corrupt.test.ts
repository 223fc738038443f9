import fc from 'fast-check'
import { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { Locks } from '../../../lib/store/shared/locking/locks.js'
import { Cells } from '../../../lib/store/shared/memory/cells.js'
import { isLatch, OWNER_WORDS } from '../../../lib/store/shared/memory/layout.js'
import { Part } from '../../../lib/store/shared/table/part.js'
import type { Limiter, PolicyOptions, SyncStore } from '../../../types/index.js'
import { World } from '../../fixtures/threads/thread-simulation.js'

const POLICIES: PolicyOptions[] = [
  { name: 'bucket', rate: 60, per: 'hour', burst: 5 },
  { name: 'window', algorithm: 'sliding-window', rate: 12, per: 'minute' },
  { name: 'uneven', rate: 7, per: 'hour', burst: 7 },
]

/** All that can be done, on more keys than there is room for. */
function useAll(store: SyncStore, limiters: Limiter[], { clock }: World): void {
  for (const limiter of limiters) {
    for (let i = 0; i < 8; i++) {
      limiter.take(`key ${i}`, { cost: 1 + (i % 3) })
      limiter.peek(`key ${i}`)
      if (i % 3 === 0) limiter.refund(`key ${i}`, 2)
      if (i % 5 === 0) limiter.reset(`key ${i}`)
    }
    clock.advance(1000)
  }
  store.sweep()
  store.stats()
}

function limitersOn(store: SyncStore): Limiter[] {
  const all = POLICIES.map((policy, i) => createLimiter({ name: `policy ${i}`, ...policy }, { store }))
  return [...all, createLimiter({ name: 'all', policies: POLICIES }, { store })]
}

const INTERESTING = [
  0, 1, 2, 5, 31, 32, 35, 63, 255, 1025, 65_536, 0x7fffffff, -0x80000000, -1, 0x7ff00000, 0x7ff80000,
]

test('whatever stands in the memory, nothing crashes, runs for ever or writes elsewhere', async (t) => {
  const base = new World({ maxKeys: 6, maxUnits: 64, maxThreads: 2 })
  const first = base.store(1)
  useAll(first, limitersOn(first), base)
  const { layout } = base
  const page = layout.pages
  const data = layout.tables
  const word = fc.oneof(
    fc.constantFrom(...INTERESTING),
    fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    fc.integer({ min: 0, max: 70 }),
  )
  // Anything but the words that tell who is alive and who holds what: those are in locks.test.ts.
  const place = fc.oneof(
    fc.integer({ min: 8, max: 11 }),
    fc.integer({ min: layout.laws, max: layout.laws + 40 }),
    fc.integer({ min: page + 1, max: page + 20 }),
    fc.integer({ min: data, max: data + layout.tableWords - 1 }).filter((at) => !isLatch(layout, at)),
    fc.integer({ min: data + layout.tableWords, max: layout.words - 1 }),
  )
  const damage = fc.array(fc.tuple(place, word), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(damage, (damage) => {
      const world = base.copy()
      const words = new Int32Array(world.memory)
      const store = world.store(1)
      const limiters = limitersOn(store)
      for (const [at, value] of damage) words[at] = value
      const other = words.slice(layout.owners + OWNER_WORDS, layout.owners + 2 * OWNER_WORDS)
      const header = words.slice(0, 8)
      useAll(store, limiters, world)
      useAll(store, limiters, world)
      return (
        `${header}` === `${words.slice(0, 8)}` &&
        `${other}` === `${words.slice(layout.owners + OWNER_WORDS, layout.owners + 2 * OWNER_WORDS)}`
      )
    }),
    { numRuns: 1500 },
  )
  t.pass('1,500 memories')
})

test('a key that was lost while it was dealt with is written nowhere', async (t) => {
  const { memory, layout } = new World({ maxKeys: 6, maxUnits: 64, maxThreads: 2 })
  const cells = new Cells(memory)
  const locks = new Locks(cells, layout, { name: 1, gone: () => false })
  const part = new Part(cells, layout, 0, locks, { heat: () => 0, release: () => {} })
  const before = new Int32Array(memory).slice()
  part.setState(part.find(1, 2), 3, 4, 5)
  t.same(new Int32Array(memory), before)
})

test('a thread that joins a damaged memory gets on as well', async (t) => {
  const base = new World({ maxKeys: 6, maxUnits: 64, maxThreads: 4 })
  const first = base.store(1)
  useAll(first, limitersOn(first), base)
  const words = new Int32Array(base.memory)
  for (let at = base.layout.tables; at < base.layout.words; at++)
    if (!isLatch(base.layout, at)) words[at] = (at * 2_654_435_761) | 0
  for (let at = base.layout.laws; at < base.layout.pages; at++) words[at] = (at * 2_246_822_519) | 0
  for (const count of [-5, 3, 1024, 99_999]) {
    words[8] = count
    const store = base.store(2)
    try {
      useAll(store, limitersOn(store), base)
    } catch (error) {
      // A directory that says that it is full is believed.
      t.match(error, { code: 'FST_FLOODGATE_OPTION' })
    }
  }
  t.pass('nothing else was thrown')
})

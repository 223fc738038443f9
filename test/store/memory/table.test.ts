import fc from 'fast-check'
import { test } from 'tap'
import { KeyHasher } from '../../../lib/store/key-hash.js'
import { NARROW_LAW_IDS, Table } from '../../../lib/store/memory/table.js'
import { TableTwin } from './table-twin.js'

/** A table whose evictor knows each key by its state, an integer from 1 on, and has the heats in a list. */
function ownedTable(maxKeys: number) {
  const heats = new Map<number, number>()
  /** Where the hand stood each time that the table said that it forgets a denied key. */
  const told: number[] = []
  const table: Table = new Table(maxKeys, {
    heat: (slot) => heats.get(table.state(slot)) as number,
    release: () => {},
    forgetsDenied: () => {
      told.push(table.hand)
    },
  })
  const hasher = new KeyHasher(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
  /** Inserts key number `id` with that heat. */
  function insert(id: number, heat: number): void {
    hasher.digest(0, `key ${id}`)
    table.setState(table.insert(hasher.low, hasher.high, 0), id)
    heats.set(id, heat)
  }
  function holds(id: number): boolean {
    hasher.digest(0, `key ${id}`)
    return table.find(hasher.low, hasher.high) >= 0
  }
  return { table, heats, told, insert, holds }
}

test('a slot keeps its state of 53 bits, its law id and whether it is denied apart', async (t) => {
  const { table } = ownedTable(10)
  for (const lawId of [0, 1, NARROW_LAW_IDS - 1, NARROW_LAW_IDS, NARROW_LAW_IDS + 1, 2 ** 20, 99_999_999]) {
    for (const state of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1, 2 ** 53 - 1]) {
      const slot = table.insert(5, 6, lawId)
      t.equal(table.state(slot), 0, 'a new slot is clean')
      t.equal(table.isDenied(slot), false)
      table.setDenied(slot)
      t.same([table.state(slot), table.lawId(slot), table.isDenied(slot)], [0, lawId, true])
      table.setState(slot, state)
      t.same(
        [table.state(slot), table.lawId(slot), table.isDenied(slot)],
        [state, lawId, false],
        'a write clears the mark',
      )
      table.setDenied(slot)
      t.same([table.state(slot), table.lawId(slot), table.isDenied(slot)], [state, lawId, true])
      table.remove(slot)
    }
  }
})

test('digests that differ in one half only are different keys', async (t) => {
  const { table } = ownedTable(10)
  const slots = [table.insert(5, 6, 0), table.insert(5, 7, 0), table.insert(4, 6, 0), table.insert(0, 6, 0)]
  slots.push(table.insert(5, 0, 0))
  t.same([table.find(5, 6), table.find(5, 7), table.find(4, 6), table.find(0, 6), table.find(5, 0)], slots)
  t.equal(table.find(4, 7), -1)
})

test('every key is where a map would have it, through inserts, removals, sweeps and a full table', async () => {
  // Homes at both ends and in the middle, so that clusters form, meet, and run round the end of the array.
  const digest = fc.record({
    low: fc.constantFrom(0, 1, 2, 0x7fffffff, -0x80000000, -0x10000000, -2, -1),
    high: fc.constantFrom(-0x80000000, -1, 1, 2, 3, 4),
  })
  const heat = fc.constantFrom(0.1, 0.5, 1, 1.5, 2)
  const step = fc.record({ verb: fc.nat(6), digest, nth: fc.nat(), heat })
  const steps = fc.array(step, { minLength: 1, maxLength: 80, size: 'max' })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 24 }), steps, (maxKeys, steps) => {
      const twin = new TableTwin(maxKeys)
      for (const { verb, digest, nth, heat } of steps) {
        if (verb === 0) twin.sweep()
        else if (verb === 1) twin.remove(nth)
        else if (verb === 2) twin.expire(nth)
        else if (verb === 3) twin.reuse(nth)
        else twin.insert(digest.low, digest.high, heat, nth % (2 * NARROW_LAW_IDS))
        twin.check()
      }
    }),
    { numRuns: 300 },
  )
})

test('a removed digest is not found again', async (t) => {
  const { table } = ownedTable(10)
  for (let high = 1; high <= 5; high++) table.insert(-1, high, 0)
  table.remove(table.find(-1, 1))
  t.equal(table.find(-1, 1), -1)
  t.ok(table.find(-1, 5) >= 0, 'though others of its cluster are')
})

test('a table says when it forgets a key that is being denied, and of no other', async (t) => {
  const { table, told, insert } = ownedTable(10)
  for (let id = 1; id <= 10; id++) insert(id, 0.5)
  insert(11, 0.5)
  t.equal(told.length, 0)
  table.forEach((slot) => {
    table.setDenied(slot)
  })
  insert(12, 0.4)
  t.equal(told.length, 1)
  insert(13, 2)
  t.equal(told.length, 1, 'the twelfth was not denied')
})

test('a table of up to 256 slots is looked at whole', async (t) => {
  const { table, heats, insert, holds } = ownedTable(190)
  for (let id = 1; id <= 190; id++) insert(id, 1)
  for (let i = 1; i <= 50; i++) {
    heats.set(i, 0)
    insert(1000 + i, 1)
    t.equal(holds(i), false, 'the one expired key of 190 goes')
    heats.set(100 + i, 0.5)
    insert(2000 + i, 1)
    t.equal(holds(100 + i), false, 'the one cool key of 190 goes')
  }
  t.equal(table.forgotten, 50)
})

test('a large table that fills up forgets nothing live while expired keys remain', async (t) => {
  const { table, insert, holds } = ownedTable(8000)
  for (let id = 1; id <= 7000; id++) insert(id, id % 2)
  for (let id = 7001; id <= 11_500; id++) insert(id, 1)
  t.equal(table.forgotten, 0, '3500 of the first and 4500 new ones fit exactly')
  t.equal(table.keys, 8000)
  for (let id = 1; id <= 7000; id += 2) if (!holds(id)) t.fail(`lost key ${id}`)
  for (let id = 7001; id <= 11_500; id++) if (!holds(id)) t.fail(`lost key ${id}`)
})

test('a large full table forgets cool keys, and none that is being denied while it meets another', async (t) => {
  const { table, insert, holds } = ownedTable(8000)
  // One key in twenty is not being denied: more looks than usual find it.
  for (let id = 1; id <= 8000; id++) insert(id, id % 20 === 0 ? 0.5 : 2)
  for (let id = 8001; id <= 8200; id++) insert(id, 2)
  t.equal(table.forgotten, 200)
  t.equal(table.keys, 8000)
  for (let id = 1; id <= 8200; id++)
    if (id % 20 !== 0 && !holds(id)) t.fail(`forgot key ${id}, which is being denied`)
})

test('where every key is being denied, one that is closest to unlimited makes room', async (t) => {
  const { table, insert, holds } = ownedTable(8000)
  for (let id = 1; id <= 8000; id++) insert(id, id % 20 === 0 ? 1.1 : 2)
  for (let id = 8001; id <= 8200; id++) insert(id, 2)
  t.equal(table.forgotten, 200)
  t.equal(table.keys, 8000, 'and never more than may be')
  for (let id = 1; id <= 8200; id++)
    if (id % 20 !== 0 && !holds(id)) t.fail(`forgot key ${id}, which was hotter`)
})

test('a table is never more than full, however long a row of empty slots the hand meets', async (t) => {
  const { table, heats } = ownedTable(6000)
  for (let id = 1; id <= 6000; id++) {
    // All in the last three quarters: the hand stands before 2,000 empty slots.
    const low = Math.floor(2 ** 30 + (id / 6001) * 3 * 2 ** 30) | 0
    table.setState(table.insert(low, id, 0), id)
    heats.set(id, 2)
  }
  heats.set(6001, 2)
  table.hand = 0
  table.setState(table.insert(0, 1, 0), 6001)
  t.same([table.keys, table.forgotten], [6000, 1])
})

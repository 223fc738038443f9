import { test } from 'tap'
import { compilePolicy, type TokenBucket } from '../../../../lib/policy/index.js'
import { Journal } from '../../../../lib/store/shared/locking/journal.js'
import { Cells } from '../../../../lib/store/shared/memory/cells.js'
import { fillBits, Slots } from '../../../../lib/store/shared/table/slots.js'
import type { PolicyOptions } from '../../../../types/index.js'
import { ThreadSimulation } from '../../../fixtures/threads/thread-simulation.js'

function slots() {
  const { memory, layout } = new ThreadSimulation({ maxKeys: 10, maxThreads: 1 })
  const cells = new Cells(memory)
  const journal = new Journal(cells, layout, 0)
  return { at: layout.tables, cells, journal, slots: new Slots(cells, journal) }
}

const BUCKETS: PolicyOptions[] = [
  { rate: 1_000_000, per: 'second', burst: 1 },
  { rate: 1_000_000, per: 'second', burst: 2_000_000_000 },
  { rate: 1, per: '360 days', burst: 60 },
  { rate: 7, per: 'hour', burst: 7 },
  { rate: 999_983, per: '7 seconds', burst: 10 },
]

test('a slot keeps the tat of a bucket to the tick, and the time that it takes to fill to one part in a hundred', async (t) => {
  for (const policy of BUCKETS) {
    const law = compilePolicy(policy, 'tested').law as TokenBucket
    const { at, slots: table } = slots()
    for (const single of [true, false]) {
      for (const micros of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 12_345]) {
        for (const ticks of [0, law.resolution - 1]) {
          table.setTat(at, micros, ticks, fillBits(law), single)
          const name = `${JSON.stringify(policy)} ${micros} ${ticks}`
          t.equal(table.micros(at), micros, name)
          t.equal(table.ticksFrom(at, micros, law.resolution), ticks, name)
          t.equal(table.microsFrom(at, micros) > 0, ticks > 0, name)
          t.equal(table.microsFrom(at, micros + 1) > 0, false, name)
        }
      }
    }
    const fillTime = law.tolerance / law.resolution
    t.ok(Math.abs(table.fillTime(at) / fillTime - 1) < 0.01, `${table.fillTime(at)} of ${fillTime}`)
    t.same([table.isWindow(at), table.isDenied(at)], [false, false])
  }
})

test('a slot keeps the block of a window and the length of the window', async (t) => {
  const { at, cells, journal, slots: table } = slots()
  cells.words[at + 3] = 12
  cells.words[at + 4] = 34
  for (const ref of [0, 1, 2 ** 25 + 1]) {
    table.setDenied(at, true)
    t.equal(table.isDenied(at), true)
    table.setRef(at, ref)
    journal.commit()
    t.same([table.ref(at), table.isWindow(at), table.isDenied(at)], [ref, true, false])
    t.equal(table.micros(at), 34 * 2 ** 32 + 12)
  }
})

test('a mark keeps an end and a number of offences, and a block that has ended reads as a full bucket and an empty window', async (t) => {
  const { at, journal, slots: table } = slots()
  for (const until of [1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    for (const offences of [0, 1, 1023]) {
      table.setWindow(at, 60_000_000)
      table.setDenied(at, true)
      t.equal(table.until(at), 0, 'the slot of a window is no mark')
      table.setUntil(at, until, offences)
      journal.commit()
      const name = `${offences} until ${until}`
      t.same([table.until(at), table.offences(at)], [until, offences], name)
      t.same([table.isWindow(at), table.isDenied(at)], [false, false], name)
      if (offences === 0) t.same([table.ref(at), table.ticksFrom(at, 5, 3)], [0, 0], name)
    }
  }
  table.setUntil(at, 7_000_000, 0)
  const law = compilePolicy(BUCKETS[0], 'tested').law as TokenBucket
  table.setTat(at, 7_000_000, 0, fillBits(law), true)
  t.equal(table.until(at), 0, 'a bucket that is charged is no mark any more')
  t.equal(table.micros(at), 7_000_000)
  table.setUntil(at, 7_000_000, 0)
  table.setWindow(at, 2 ** 32 + 9)
  t.same([table.isWindow(at), table.ref(at), table.micros(at), table.until(at)], [true, 0, 2 ** 32 + 9, 0])
})

import { test } from 'tap'
import { Journal } from '../../../../lib/store/shared/locking/journal.js'
import { Cells } from '../../../../lib/store/shared/memory/cells.js'
import { Part } from '../../../../lib/store/shared/table/part.js'
import { ThreadSimulation } from '../../../fixtures/threads/thread-simulation.js'

test('no loop is longer than the table, even if damage has left no empty slot', async (t) => {
  const { memory, layout } = new ThreadSimulation({ maxKeys: 6, maxUnits: 64, maxThreads: 1 })
  const cells = new Cells(memory)
  const evictor = { heat: () => 1, release: () => {}, forgetsDenied: () => {} }
  const part = new Part(cells, layout, 0, new Journal(cells, layout, 0), evictor)
  cells.words.fill(7, layout.tables, layout.tables + layout.tableWords)
  t.equal(part.find(1, 2), -1)
  part.insert(1, 2)
  part.removeAt(part.find(1, 2))
  t.equal(part.sweep(), 0)
})

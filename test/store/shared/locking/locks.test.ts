import { test } from 'tap'
import { Locks } from '../../../../lib/store/shared/locking/locks.js'
import { Cells } from '../../../../lib/store/shared/memory/cells.js'
import { OWNER } from '../../../../lib/store/shared/memory/layout.js'
import { ThreadSimulation } from '../../../fixtures/threads/thread-simulation.js'

function locksOf(simulation: ThreadSimulation, name: number, mostNaps = 20): Locks {
  const liveness = { name, gone: (other: number) => simulation.dead.has(other) }
  return new Locks(new Cells(simulation.memory), simulation.layout, liveness, mostNaps)
}

test('a lock is held by one thread until it is given back', async (t) => {
  const simulation = new ThreadSimulation({ maxKeys: 10 })
  const [one, two] = [locksOf(simulation, 1), locksOf(simulation, 2)]
  const { partHeaders } = simulation.layout
  one.lock(partHeaders)
  t.throws(() => two.lock(partHeaders), {
    code: 'FST_FLOODGATE_MEMORY',
    message: /^shared memory is locked by a thread that is alive/,
  })
  one.unlock(partHeaders)
  two.lock(partHeaders)
  simulation.dead.add(2)
  one.lock(partHeaders)
  t.equal(
    new Int32Array(simulation.memory)[partHeaders],
    one.ownerId,
    'the thread takes it from one that has ended',
  )
})

test('a thread gives up while another thread recovers it for too long, and goes on when that thread ends', async (t) => {
  const simulation = new ThreadSimulation({ maxKeys: 10 })
  const [one, two] = [locksOf(simulation, 1, 5), locksOf(simulation, 2)]
  const words = new Int32Array(simulation.memory)
  const recoverer = simulation.layout.owners + OWNER.RECOVERER
  words[one.brokenAt] = 1
  words[recoverer] = two.ownerId
  t.throws(() => one.begin(), {
    code: 'FST_FLOODGATE_MEMORY',
    message: /put in order by a thread that does not go on/,
  })
  for (const stale of [two.ownerId + 1024, two.ownerId]) {
    words[one.brokenAt] = 1
    words[recoverer] = stale
    if (stale === two.ownerId) simulation.dead.add(2)
    one.begin()
    t.equal(words[one.brokenAt], 0, 'it takes over from a recoverer that will not go on')
    t.equal(words[recoverer], 0)
  }
})

test('maxThreads threads may use a memory, and one that has ended makes room', async (t) => {
  const simulation = new ThreadSimulation({ maxKeys: 10, maxThreads: 3 })
  const ownerIds = [1, 2, 3].map((name) => locksOf(simulation, name).ownerId)
  t.throws(() => locksOf(simulation, 4), {
    code: 'FST_FLOODGATE_MEMORY',
    message: 'shared memory is used by 3 threads already: maxThreads allows no more',
  })
  simulation.dead.add(2)
  ownerIds.push(locksOf(simulation, 4).ownerId)
  t.equal(new Set(ownerIds).size, 4, 'no two have the same owner id')
  t.equal(locksOf(simulation, 4).ownerId, ownerIds[3], 'a thread that comes again has its old owner id')
})

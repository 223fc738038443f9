import { t, test } from 'tap'
import { memoryStore } from '../../lib/index.js'
import { createSharedMemory, sharedStore } from '../../lib/threads.js'
import { agree } from './support/agree.js'

// Each sends 1,500 requests over sockets.
t.setTimeout(90_000)

test('what a client saw over real sockets is in /metrics, to the unit: memory', async (t) => {
  await agree(t, [memoryStore()])
})

test('what a client saw over real sockets is in /metrics, to the unit: shared memory, two apps', async (t) => {
  const memory = createSharedMemory()
  await agree(t, [sharedStore({ memory }), sharedStore({ memory })])
})

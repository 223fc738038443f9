import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import {
  descriptorLiveness,
  LIVENESS_KINDS,
  livenessKind,
  livenessOf,
  taskLiveness,
} from '../../../../lib/store/shared/memory/liveness.js'
import { start } from '../../../fixtures/threads/workers.js'

const HOLDER = fileURLToPath(new URL('../../../fixtures/threads/holder.ts', import.meta.url))
const KINDS = Object.entries(LIVENESS_KINDS)

/** A thread that posts its names and then spins for ever. */
async function holder(t: Test) {
  const worker = start(HOLDER, {})
  t.teardown(() => worker.terminate())
  const names = await new Promise<Record<number, number>>((resolve) => worker.once('message', resolve))
  return { worker, names }
}

for (const [name, kind] of KINDS) {
  test(`a thread is gone as soon as it has ended, and not before: ${name}`, async (t) => {
    const liveness = livenessOf(kind)
    if (liveness === null) return t.comment('this system does not offer it')
    const { worker, names } = await holder(t)
    t.ok(liveness.name > 0)
    t.not(liveness.name, names[kind])
    t.equal(liveness.gone(names[kind]), false)
    t.equal(liveness.gone(liveness.name), false, 'nor is this one')
    // No turn of this thread's event loop: it may be waiting for a lock itself.
    worker.terminate()
    const patience = performance.now() + 30_000
    while (!liveness.gone(names[kind]) && performance.now() < patience);
    t.equal(liveness.gone(names[kind]), true)
  })

  test(`a thread is gone if another thread has its place: ${name}`, async (t) => {
    const liveness = livenessOf(kind)
    if (liveness === null) return t.comment('this system does not offer it')
    t.equal(liveness.gone(liveness.name ^ 0x10000000), true, 'same place, another birth')
  })
}

test('a thread is gone if its descriptor is closed or something else', async (t) => {
  const { gone } = descriptorLiveness()
  for (const path of ['.', '/dev/null']) {
    const descriptor = openSync(path, 'r')
    t.equal(gone(0x40000 | (descriptor + 1)), true, path)
    closeSync(descriptor)
    t.equal(gone(0x40000 | (descriptor + 1)), true, `${path}, closed`)
  }
})

test('a thread is not gone if the question fails', async (t) => {
  // This name holds no descriptor.
  t.equal(descriptorLiveness().gone(0x40000), false)
})

test('the kind is the best that the system offers', async (t) => {
  const offers = (...kinds: number[]) =>
    livenessKind((kind) => (kinds.includes(kind) ? descriptorLiveness() : null))
  t.equal(offers(LIVENESS_KINDS.TASK, LIVENESS_KINDS.DESCRIPTOR), LIVENESS_KINDS.TASK)
  t.equal(offers(LIVENESS_KINDS.DESCRIPTOR), LIVENESS_KINDS.DESCRIPTOR)
  t.equal(offers(), 0)
})

test('a thread has one liveness of a kind', async (t) => {
  t.equal(livenessOf(LIVENESS_KINDS.DESCRIPTOR), livenessOf(LIVENESS_KINDS.DESCRIPTOR))
})

test('a kind that the system does not offer is null', async (t) => {
  t.equal(livenessOf(99), null, 'nobody knows that kind')
  if (process.platform === 'linux') t.equal(taskLiveness().gone(2 ** 22 - 1), true, 'no such thread')
})

test('without a directory for temporary files there is no descriptor to hold', async (t) => {
  const { TMPDIR } = process.env
  process.env.TMPDIR = '/nowhere'
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  t.throws(() => descriptorLiveness(), { code: 'ENOENT' })
  // A fresh instance of the module, as in a new thread.
  const fresh = await import(`../../../../lib/store/shared/memory/liveness.js?${Date.now()}`)
  t.equal(fresh.livenessOf(LIVENESS_KINDS.DESCRIPTOR), null)
})

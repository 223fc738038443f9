import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import {
  descriptorLifeline,
  LIFELINES,
  lifelineKind,
  lifelineOf,
  taskLifeline,
} from '../../../../lib/store/shared/memory/liveness.js'
import { start } from '../../../fixtures/threads/workers.js'

const HOLDER = fileURLToPath(new URL('../../../fixtures/threads/holder.ts', import.meta.url))
const KINDS = Object.entries(LIFELINES)

/** A thread that tells its names and then does nothing for ever. */
async function holder(t: Test) {
  const worker = start(HOLDER, {})
  t.teardown(() => worker.terminate())
  const names = await new Promise<Record<number, number>>((resolve) => worker.once('message', resolve))
  return { worker, names }
}

for (const [name, kind] of KINDS) {
  test(`a thread is known to have ended as soon as it has, and not before: ${name}`, async (t) => {
    const lifeline = lifelineOf(kind)
    if (lifeline === null) return t.comment('this system does not offer it')
    const { worker, names } = await holder(t)
    t.ok(lifeline.name > 0)
    t.not(lifeline.name, names[kind])
    t.equal(lifeline.gone(names[kind]), false)
    t.equal(lifeline.gone(lifeline.name), false, 'nor is this one')
    // Without a turn of this thread's loop: it may itself be waiting for a lock.
    worker.terminate()
    const patience = performance.now() + 30_000
    while (!lifeline.gone(names[kind]) && performance.now() < patience);
    t.equal(lifeline.gone(names[kind]), true)
  })

  test(`a name that somebody else has by now is that of a thread that has ended: ${name}`, async (t) => {
    const lifeline = lifelineOf(kind)
    if (lifeline === null) return t.comment('this system does not offer it')
    t.equal(lifeline.gone(lifeline.name ^ 0x10000000), true, 'same place, another birth')
  })
}

test('a descriptor that has become something else is no lifeline', async (t) => {
  const { gone } = descriptorLifeline()
  for (const path of ['.', '/dev/null']) {
    const descriptor = openSync(path, 'r')
    t.equal(gone(0x40000 | (descriptor + 1)), true, path)
    closeSync(descriptor)
    t.equal(gone(0x40000 | (descriptor + 1)), true, `${path}, closed`)
  }
})

test('a thread that cannot be asked for is not gone', async (t) => {
  // A name of which no path can be made asks for nothing: neither yes nor no.
  t.equal(descriptorLifeline().gone(0x40000), false)
})

test('the kind is the best that the system offers', async (t) => {
  const offers = (...kinds: number[]) =>
    lifelineKind((kind) => (kinds.includes(kind) ? descriptorLifeline() : null))
  t.equal(offers(LIFELINES.TASK, LIFELINES.DESCRIPTOR), LIFELINES.TASK)
  t.equal(offers(LIFELINES.DESCRIPTOR), LIFELINES.DESCRIPTOR)
  t.equal(offers(), 0)
})

test('one lifeline is enough for a thread', async (t) => {
  t.equal(lifelineOf(LIFELINES.DESCRIPTOR), lifelineOf(LIFELINES.DESCRIPTOR))
})

test('what the system does not offer is null', async (t) => {
  t.equal(lifelineOf(99), null, 'nobody knows that kind')
  if (process.platform === 'linux') t.equal(taskLifeline().gone(2 ** 22 - 1), true, 'no such thread')
})

test('without a directory for temporary files there is no descriptor to hold', async (t) => {
  const { TMPDIR } = process.env
  process.env.TMPDIR = '/nowhere'
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })
  t.throws(() => descriptorLifeline(), { code: 'ENOENT' })
  // Another instance of the module, as in a thread that has not asked yet.
  const fresh = await import(`../../../../lib/store/shared/memory/liveness.js?${Date.now()}`)
  t.equal(fresh.lifelineOf(LIFELINES.DESCRIPTOR), null)
})

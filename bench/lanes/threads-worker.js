import { parentPort, workerData } from 'node:worker_threads'
import { makeContender } from '../lib/contenders.js'
import { Keys } from '../lib/keys.js'

/** Each thread asks about keys of its own. */
class OwnKeys extends Keys {
  at(number) {
    return super.at(number + workerData.number * workerData.count)
  }
}

const keys = new OwnKeys(workerData.count)
const contender = await makeContender(workerData.name, { ...workerData, outcome: 'allowed' })
contender.run(keys.pick(new Array(20_000).fill('')))

parentPort.on('message', ({ decisions, gate, threads }) => {
  const list = keys.pick(new Array(decisions).fill(''))
  // The keys are this file's: who collects garbage while they are young would copy them, and be timed for it.
  globalThis.gc()
  // All threads start at once.
  Atomics.add(gate, 0, 1)
  while (Atomics.load(gate, 0) < threads);
  const start = process.hrtime.bigint()
  const allowed = contender.run(list)
  const end = process.hrtime.bigint()
  if (allowed !== decisions) throw new Error(`${allowed} of ${decisions} were allowed`)
  parentPort.postMessage({ start, end })
})
parentPort.postMessage('ready')

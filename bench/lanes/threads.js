// A process with several threads, all of them over one shared memory, or each with a memory store of its own.
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { BENCH, load } from '../lib/build.js'
import { serve } from '../lib/lanes.js'

let workers

serve({
  async setup({ build, threads, count, name }) {
    const { createSharedMemory } = await load(build, 'threads.js')
    const memory = createSharedMemory({ maxKeys: 2 * threads * count })
    workers = Array.from({ length: threads }, (_, number) => {
      const workerData = { build, memory, number, count, name, maxKeys: 2 * count }
      return new Worker(join(BENCH, 'lanes', 'threads-worker.js'), { workerData })
    })
    await Promise.all(workers.map((worker) => once(worker, 'message')))
  },

  /** Has each thread decide so many times, all at once; returns decisions a second of all together. */
  async slice({ decisions }) {
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const done = workers.map((worker) => once(worker, 'message'))
    for (const worker of workers) worker.postMessage({ decisions, gate, threads: workers.length })
    const spans = (await Promise.all(done)).map(([span]) => span)
    const start = spans.reduce((least, { start }) => (start < least ? start : least), spans[0].start)
    const end = spans.reduce((most, { end }) => (end > most ? end : most), spans[0].end)
    return { rate: (workers.length * decisions * 1e9) / Number(end - start) }
  },
})

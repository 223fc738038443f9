// One server in several threads, with one limit for all of them, without Redis.
//
//     node --import=tsx examples/workers/server.ts
//     PORT=8080 THREADS=4 node --import=tsx examples/workers/server.ts
//
// With `reusePort` (Linux; Node.js 22.12, 23.1 and later), all threads listen on one port, and the system
// spreads the connections. Elsewhere each thread has its own port, from PORT on: put a load balancer before
// them.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { createSharedMemory } from '../../lib/threads.js'

const { PORT = '3000', THREADS = String(availableParallelism()) } = process.env
const [major, minor] = process.versions.node.split('.').map(Number)
const canShare = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
const reusePort = canShare && process.platform === 'linux'

const memory = createSharedMemory()
const workers = new Set<Worker>()
let closing = false

function start(number: number): void {
  if (closing) return
  const port = reusePort || PORT === '0' ? Number(PORT) : Number(PORT) + number
  const listen = { host: '127.0.0.1', port, reusePort }
  const worker = new Worker(new URL('./typescript.mjs', import.meta.url), { workerData: { memory, listen } })
  workers.add(worker)
  worker.once('message', (address) => console.log(`Listening on ${address}`))
  worker.on('error', (error) => console.error(error.message))
  worker.once('exit', () => {
    workers.delete(worker)
    // A thread may end at any moment: units that it spent stay spent, and the other threads go on.
    setTimeout(start, 1000, number).unref()
  })
}

for (let number = 0; number < Number(THREADS); number++) start(number)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    closing = true
    for (const worker of workers) worker.postMessage('close')
  })
}

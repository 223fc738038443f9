// rate-limiter-flexible's limiter for clusters: the primary process counts, workers ask it by IPC.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Keys } from '../lib/keys.js'
import { serve } from '../lib/lanes.js'

const { RateLimiterCluster, RateLimiterClusterMaster } = createRequire(import.meta.url)(
  'rate-limiter-flexible',
)
const CALLERS = 100

if (cluster.isPrimary) lead()
else await work()

function lead() {
  let workers
  serve({
    async setup({ threads, count }) {
      new RateLimiterClusterMaster()
      workers = Array.from({ length: threads }, () => cluster.fork({ COUNT: count }))
      await Promise.all(workers.map((worker) => answerOf(worker)))
    },
    async slice({ decisions }) {
      const start = process.hrtime.bigint()
      const done = workers.map((worker) => answerOf(worker))
      for (const worker of workers) worker.send({ decisions })
      await Promise.all(done)
      return { rate: (workers.length * decisions * 1e9) / Number(process.hrtime.bigint() - start) }
    },
  })
}

/** The limiter's own messages come the same way. */
async function answerOf(worker) {
  for (;;) {
    const [message] = await once(worker, 'message')
    if (message.done === true) return
  }
}

async function work() {
  const limiter = new RateLimiterCluster({
    keyPrefix: 'bench',
    points: 2_000_000_000,
    duration: 3600,
    timeoutMs: 30_000,
  })
  const keys = new Keys(Number(process.env.COUNT))
  await limiter.consume('somebody')
  process.on('message', async ({ decisions }) => {
    if (decisions === undefined) return
    let left = decisions
    const call = async () => {
      const one = ['']
      while (left-- > 0) await limiter.consume(keys.pick(one)[0])
    }
    await Promise.all(Array.from({ length: CALLERS }, call))
    process.send({ done: true })
  })
  process.send({ done: true })
}

import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { startServer } from './child.js'

const THREADS = 3

test('threads that serve one app share one limit', async (t) => {
  const { child } = await startServer(t, 'examples/workers/server.ts', { THREADS: String(THREADS) })
  const addresses = () =>
    [...child.stdout.matchAll(/^Listening on (http:\S+)$/gm)].map(([, address]) => address)
  while (addresses().length < THREADS) await sleep(20)

  const start = performance.now()
  const answers: Response[] = []
  for (let i = 0; i < 30; i++) answers.push(await fetch(addresses()[i % THREADS]))
  const refilled = Math.floor((performance.now() - start) / 600)

  const admitted = answers.filter(({ status }) => status === 200)
  t.ok(admitted.length >= 10 && admitted.length <= 10 + refilled, `${admitted.length}, ${refilled} refilled`)
  t.equal(answers.filter(({ status }) => status === 429).length, 30 - admitted.length)
  const threads = await Promise.all(admitted.map((answer) => answer.json() as Promise<{ thread: number }>))
  t.equal(new Set(threads.map(({ thread }) => thread)).size, THREADS, 'each thread admitted some')
  t.equal(child.stderr, '')
  t.same(await child.stop(), { code: 0, signal: null }, 'it ends when it is asked to')
})

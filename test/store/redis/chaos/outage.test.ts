import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { startProxy } from '../../../fixtures/redis/proxy.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import type { SubjectOptions } from './support/subject.js'
import { runTrial } from './support/trial.js'

/** Every client, every `onStoreFailure`, with an app and without. */
const subjects: readonly SubjectOptions[] = [
  { client: 'ioredis 6', mode: 'local' },
  { client: 'ioredis 5', mode: 'deny', via: 'app' },
  { client: 'iovalkey', mode: 'allow' },
  { client: 'node-redis 6', mode: 'local', via: 'app' },
  { client: 'node-redis 5', mode: 'deny' },
]

test('a server that is killed and comes back empty', async (t) => {
  const server = await startRedis(t)
  await runTrial(t, {
    fault: 'kill -9, back empty after 1 s',
    subjects,
    connect: (flavour) => flavour.single(server),
    async strike() {
      await server.kill()
      await sleep(1000)
      await server.start()
    },
    survivors: () => [server],
    lost: 1,
  })
})

test('a server that stands still for 3 s', async (t) => {
  const server = await startRedis(t)
  await runTrial(t, {
    fault: 'SIGSTOP for 3 s',
    subjects,
    connect: (flavour) => flavour.single(server),
    async strike() {
      server.pause()
      await sleep(3000)
      server.resume()
    },
    survivors: () => [server],
  })
})

test('a network that swallows everything for 1.5 s', async (t) => {
  const server = await startRedis(t)
  const proxy = await startProxy(t, server.port)
  await runTrial(t, {
    fault: 'blackholed network for 1.5 s',
    subjects,
    connect: (flavour) => flavour.single(proxy),
    async strike() {
      proxy.blackhole()
      await sleep(1500)
      proxy.open()
    },
    survivors: () => [server],
  })
})

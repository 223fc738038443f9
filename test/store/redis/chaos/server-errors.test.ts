import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { type Server, startRedis } from '../../../fixtures/redis/server.js'
import type { SubjectOptions } from './support/subject.js'
import { runTrial } from './support/trial.js'

/** Every client, every `onStoreFailure`, with an app and without. */
const subjects: readonly SubjectOptions[] = [
  { client: 'ioredis 6', mode: 'deny' },
  { client: 'ioredis 5', mode: 'local', via: 'app' },
  { client: 'iovalkey', mode: 'local' },
  { client: 'node-redis 6', mode: 'allow' },
  { client: 'node-redis 5', mode: 'deny', via: 'app' },
]

test('a server that forgets the script again and again is not noticed', async (t) => {
  const server = await startRedis(t)
  const outcomes = await runTrial(t, {
    fault: 'SCRIPT FLUSH every 5 ms for 1.5 s',
    // So that nothing but an error makes a call fail: how long it takes is checked all the same.
    subjects: subjects.map((subject) => ({ ...subject, store: { timeout: 2000 } })),
    connect: (flavour) => flavour.single(server),
    async strike() {
      for (const from = performance.now(); performance.now() < from + 1500; ) {
        await server.command('SCRIPT', 'FLUSH')
        await sleep(5)
      }
    },
    survivors: () => [server],
  })
  for (const { subject, figures } of outcomes) {
    const { store, ...others } = figures.origins
    t.same(others, { local: 0, none: 0, error: 0 }, `${subject.client}: the store answers all`)
    t.ok(figures.over <= 0, `${subject.client}: nobody is admitted for a second try`)
    t.same(subject.changes, [], `${subject.client}: it is never down`)
  }
})

test('a server without memory left', async (t) => {
  const server = await startRedis(t)
  await runTrial(t, {
    fault: 'maxmemory reached for 1.5 s, noeviction',
    subjects,
    connect: (flavour) => flavour.single(server),
    async strike() {
      await server.command('CONFIG', 'SET', 'maxmemory', 1)
      await sleep(1500)
      await server.command('CONFIG', 'SET', 'maxmemory', 0)
    },
    survivors: () => [server],
  })
})

test('a password that is changed while connections are cut', async (t) => {
  const server = await startRedis(t)
  await runTrial(t, {
    fault: 'password changed, connections cut, for 1 s',
    subjects,
    connect: (flavour) => flavour.single(server),
    async strike() {
      await server.command('CONFIG', 'SET', 'requirepass', 'another')
      await cutAll(server)
      await sleep(1000)
      await server.command('CONFIG', 'SET', 'requirepass', '')
    },
    survivors: () => [server],
  })
})

test('a wrong password from the start', async (t) => {
  const server = await startRedis(t, { password: 'right' })
  await runTrial(t, {
    fault: 'wrong password from the start, for 1 s',
    subjects,
    broken: true,
    connect: (flavour) => flavour.single({ port: server.port, password: 'wrong' }, { wait: false }),
    async strike() {
      await sleep(600)
      await server.command('CONFIG', 'SET', 'requirepass', 'wrong')
    },
    survivors: () => [server],
  })
})

/** Ends the connections of all clients, but not that by which the server is told so. */
function cutAll(server: Server): Promise<unknown> {
  return server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
}

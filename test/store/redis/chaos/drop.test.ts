import { test } from 'tap'
import { clients } from '../../../fixtures/redis/clients.js'
import { type Line, startProxy } from '../../../fixtures/redis/proxy.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { dropAgainAndAgain } from './support/drops.js'
import type { SubjectOptions } from './support/subject.js'
import { runTrial } from './support/trial.js'

const subjects: readonly SubjectOptions[] = [
  { client: 'ioredis 6', mode: 'local' },
  { client: 'ioredis 5', mode: 'local', via: 'app' },
  { client: 'iovalkey', mode: 'deny' },
  { client: 'node-redis 6', mode: 'deny', via: 'app' },
  { client: 'node-redis 5', mode: 'local' },
]

test('connections that are lost in the middle of a reply, again and again', async (t) => {
  const server = await startRedis(t)
  const proxies = new Map<string, Line>()
  for (const { name } of clients) proxies.set(name, await startProxy(t, server.port))
  await runTrial(t, {
    fault: 'connection lost mid-reply, 10 times in 2 s',
    subjects,
    connect: (flavour) => flavour.single(proxies.get(flavour.name) as Line),
    strike: () => dropAgainAndAgain([...proxies.values()], 10),
    survivors: () => [server],
  })
})

import { test } from 'tap'
import { type SentinelOptions, startSentinels } from '../../../fixtures/redis/sentinel.js'
import type { SubjectOptions } from './support/subject.js'
import { runTrial } from './support/trial.js'

const subjects: readonly SubjectOptions[] = [
  { client: 'ioredis 6', mode: 'local', via: 'app' },
  { client: 'ioredis 5', mode: 'allow' },
  { client: 'iovalkey', mode: 'deny' },
  { client: 'node-redis 6', mode: 'local' },
  { client: 'node-redis 5', mode: 'deny', via: 'app' },
]

const options: SentinelOptions = { sentinels: 1 }

test('a master that dies, and a replica that Sentinel makes the master', async (t) => {
  const set = await startSentinels(t, options)
  await runTrial(t, {
    fault: 'Sentinel: master killed, replica promoted',
    subjects,
    connect: (flavour) => flavour.sentinel(set.targets, set.name),
    async strike() {
      await set.killMaster()
    },
    survivors: () => set.servers.slice(1),
    lost: 1,
  })
})

test('a master that becomes the replica of its replica', async (t) => {
  const set = await startSentinels(t, options)
  await runTrial(t, {
    fault: 'Sentinel: master and replica change roles',
    subjects,
    connect: (flavour) => flavour.sentinel(set.targets, set.name),
    async strike() {
      await set.failover()
    },
    survivors: () => set.servers.slice(1),
    lost: 1,
  })
})

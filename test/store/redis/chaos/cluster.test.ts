import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { clients } from '../../../fixtures/redis/clients.js'
import { startCluster } from '../../../fixtures/redis/cluster.js'
import { keySlot } from '../../../fixtures/redis/key-slot.js'
import type { SubjectOptions } from './support/subject.js'
import { runTrial } from './support/trial.js'

/** With all keys in one slot, and spread over all nodes. */
const subjects: readonly SubjectOptions[] = [
  { client: 'ioredis 6', mode: 'local' },
  { client: 'ioredis 5', mode: 'deny', store: { shards: 8 } },
  { client: 'iovalkey', mode: 'local', via: 'app', store: { shards: 8 } },
  { client: 'node-redis 6', mode: 'allow' },
  { client: 'node-redis 5', mode: 'deny', via: 'app', store: { shards: 8 } },
]

/** The slot of the hash tag of all keys where there is one shard, and the master that has it. */
const SLOT = keySlot('{0}')

test('a slot that moves to another master while its keys are counted', async (t) => {
  const cluster = await startCluster(t)
  const from = cluster.masters.indexOf(cluster.masterOf('{0}'))
  await runTrial(t, {
    fault: 'Cluster: slot moved, half moved for 0.5 s',
    subjects,
    connect: (flavour) => flavour.cluster(cluster.targets),
    async strike() {
      await cluster.migrateSlot(SLOT, from, (from + 1) % 3, () => sleep(500))
    },
    survivors: () => cluster.masters.map(({ server }) => server),
  })
})

test('a master that dies, and whose replica takes over', async (t) => {
  const cluster = await startCluster(t, { replicas: true })
  const victim = cluster.masters.indexOf(cluster.masterOf('{0}'))
  await runTrial(t, {
    fault: 'Cluster: master killed, replica promoted, old master back as replica',
    subjects,
    connect: (flavour) => flavour.cluster(cluster.targets),
    async strike() {
      await cluster.killMaster(victim)
      await cluster.masters[victim].server.start()
      await cluster.whenOk()
    },
    survivors: () =>
      cluster.masters.map(({ server }, i) => (i === victim ? cluster.replicas[i].server : server)),
    lost: 1,
  })
})

test('while one master is dead the keys of the others are still counted by the store', async (t) => {
  // Else all nodes refuse as long as one is missing.
  const cluster = await startCluster(t, { config: { 'cluster-require-full-coverage': 'no' } })
  const outcomes = await runTrial(t, {
    fault: 'Cluster: one of 3 masters dead for 1.5 s, back empty',
    // Else a node that is slow, on a busy machine, is taken for dead.
    subjects: clients.map(({ name }) => ({
      client: name,
      mode: 'deny',
      store: { shards: 8, timeout: 2000 },
    })),
    connect: (flavour) => flavour.cluster(cluster.targets),
    async strike() {
      await cluster.killMaster(1)
      await sleep(1500)
      await cluster.masters[1].server.start()
      await cluster.whenOk()
    },
    survivors: () => cluster.masters.map(({ server }) => server),
    lost: 1,
  })
  for (const { subject, load, fault, stalls } of outcomes) {
    const during = load.samples.filter(({ from, till }) => from > fault.from && till < fault.till)
    const alive = during.filter(({ key }) => cluster.masterOf(subject.storeKey(key)) !== cluster.masters[1])
    // Our own loop may have kept the answer from us.
    const refused = alive.filter(
      ({ origin, from, till }) => origin !== 'store' && stalls.within(from, till) < 20,
    )
    t.ok(alive.length > 100, `${subject.client}: they are asked for`)
    t.ok(
      refused.length < alive.length / 10,
      `${subject.client}: ${refused.length} of ${alive.length} are refused`,
    )
  }
})

import { test } from 'tap'
import { clients } from '../../../fixtures/redis/clients.js'
import { startCluster } from '../../../fixtures/redis/cluster.js'
import { join } from './support.js'

test('all of it lies on one node of a Cluster, and names of keys are heard twice', async (t) => {
  const cluster = await startCluster(t)
  const nodes = cluster.masters.map(({ server }) => server)
  for (const flavour of clients.filter(({ name }) => name === 'ioredis 6' || name === 'node-redis 6')) {
    const prefix = flavour.kind
    const [one, two] = [await join(t, nodes, { flavour, prefix }), await join(t, nodes, { flavour, prefix })]
    one.put('a', 'first')
    one.fleet.free('name')
    one.seat.reports()
    for (const { hand } of [one, two, two, one]) await hand.tick()
    t.same(two.member.news(), { changes: ['null > first'], notes: ['note'] }, flavour.name)
    t.same([one.forgot, two.forgot], [[], ['name', 'name']])
    t.same(one.seat.reports(), ['report 1'])
    await cluster.masterOf(`${prefix}:{0}`).server.command('DEL', `${prefix}:{0}:fleet:state`)
    await two.hand.tick()
    const three = await join(t, nodes, { flavour, prefix })
    t.same(three.member.changes, ['null > first'])
  }
})

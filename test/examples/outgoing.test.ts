import { type Test, test } from 'tap'
import { PartnerClient } from '../../examples/outgoing/client.js'
import { buildPartner } from '../../examples/outgoing/partner.js'
import { until } from '../fixtures/redis/until.js'
import { Child } from './child.js'

/** A partner that listens, and what it has denied. */
async function serve(t: Test, work?: number) {
  const partner = await buildPartner(work)
  t.teardown(() => partner.close())
  const url = await partner.listen({ host: '127.0.0.1', port: 0 })
  const count = (outcome: 'allowed' | 'denied') =>
    Object.values(partner.rateLimit.stats().limiters)
      .flatMap(({ policies }) => Object.values(policies))
      .reduce((sum, policy) => sum + policy[outcome], 0)
  return { url, allowed: () => count('allowed'), denied: () => count('denied') }
}

const ids = (count: number) => Array.from({ length: count }, (_, id) => id)

test('a client that asks for all at once is turned away', async (t) => {
  const { url, denied } = await serve(t, 5000)
  const statuses = await Promise.all(ids(20).map(async (id) => (await fetch(`${url}/orders/${id}`)).status))
  t.equal(statuses.filter((status) => status === 200).length, 5)
  t.ok(denied() >= 15)
})

test('the example keeps within the limits of its partner, and gets all', async (t) => {
  const { url, denied } = await serve(t)
  const client = new PartnerClient(url)
  const orders = await Promise.all(ids(30).map((id) => client.get(`/orders/${id}`)))
  t.same(
    orders,
    ids(30).map((order) => ({ order })),
  )
  t.equal(denied(), 0)
  t.equal(client.limiter.lost, 0)
  t.match(client.limiter.peek('partner', { cost: 5 }), { allowed: true }, 'nothing is in progress any more')
})

test('where somebody else has spent the limit, the example waits as long as its partner says', async (t) => {
  const { url, allowed, denied } = await serve(t, 5000)
  const client = new PartnerClient(url)
  const others = ids(5).map((id) => fetch(`${url}/orders/${id}`))
  await until('all places to be taken', () => allowed() === 10)
  t.same(await client.get('/orders/7'), { order: 7 })
  t.ok(denied() > 0)
  for (const response of await Promise.all(others)) t.equal(response.status, 200)
})

test('a request that gives up gives its place back', async (t) => {
  // Longer than a busy machine may stand still: none must end before all give up.
  const { url, allowed } = await serve(t, 5000)
  const client = new PartnerClient(url)
  const controller = new AbortController()
  const requests = Promise.allSettled(ids(40).map((id) => client.get(`/orders/${id}`, controller.signal)))
  await until('some to be in progress', () => allowed() >= 2)
  controller.abort(new Error('enough'))
  t.ok((await requests).every(({ status }) => status === 'rejected'))
  t.match(client.limiter.peek('partner', { cost: 5 }).allowed, true)
})

test('a failure of the partner is the caller’s to handle', async (t) => {
  const { url } = await serve(t)
  await t.rejects(new PartnerClient(url).get('/nowhere'), { message: '/nowhere: 404' })
})

test('the example runs as its header says, and ends', async (t) => {
  const child = new Child('examples/outgoing/start.ts')
  t.teardown(() => child.stop())
  t.same(await child.ended, { code: 0, signal: null })
  t.equal(child.stderr, '')
  t.equal(child.stdout, '30 orders, some of them after a wait\n')
})

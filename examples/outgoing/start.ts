// Reads 30 orders from a partner that turns away more than 10 requests a second or 5 in progress:
//
//     node --import=tsx examples/outgoing/start.ts
import { PartnerClient } from './client.js'
import { buildPartner } from './partner.js'

const partner = await buildPartner(20)
const client = new PartnerClient(await partner.listen({ host: '127.0.0.1', port: 0 }))

const orders = await Promise.all(Array.from({ length: 30 }, (_, id) => client.get(`/orders/${id}`)))
const { pace } = client.limiter.stats().policies
console.log(`${orders.length} orders, ${pace.delayed > 0 ? 'some' : 'none'} of them after a wait`)
await partner.close()

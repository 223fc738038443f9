import { t } from 'tap'
import { clients } from '../../fixtures/redis/clients.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { storeContract } from '../../fixtures/store-contract.js'
import { clockedStore } from './support.js'

for (const flavour of clients) {
  t.test(flavour.name, async (t) => {
    const server = await startRedis(t)
    const { client, close } = await flavour.single(server)
    t.teardown(close)
    storeContract(t, { name: flavour.name, open: ({ clock }) => clockedStore(client, clock) })
  })
}

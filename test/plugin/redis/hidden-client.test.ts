import { t, test } from 'tap'
import { clientOf, serve, storeOf } from '../../store/redis/one-server.js'
import { freshPrefix } from '../../store/redis/support.js'
import { agree } from '../support/agree.js'

// Each sends 1,500 requests over sockets.
t.setTimeout(90_000)

test('what a client saw over real sockets is in /metrics, to the unit: Redis, two apps', async (t) => {
  const { server, client } = await serve(t)
  const prefix = freshPrefix()
  const clients = [client, await clientOf(t, server)]
  await agree(t, clients.map((client) => storeOf(client, { prefix })) as never)
})

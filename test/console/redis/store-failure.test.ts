import { test } from 'tap'
import { redisStore } from '../../../lib/redis.js'
import { clients } from '../../fixtures/redis/clients.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { openConsole } from '../support/console.js'

test('over Redis a key is looked up and acted on; where Redis is away, the console says what it does not know', async (t) => {
  const server = await startRedis(t)
  const modes = ['local', 'allow', 'deny'] as const
  const consoles = []
  for (const onStoreFailure of modes) {
    const { client, close } = await clients[0].single(server)
    t.teardown(close)
    const store = redisStore({ client: client as never, onStoreFailure, timeout: 10_000 })
    consoles.push(await openConsole(t, { limits: { rate: 3, per: 'hour', burst: 3, store: store as never } }))
  }
  const [{ get, call }] = consoles
  const key = { limiter: 'default', key: '127.0.0.1' }
  await get('/')
  t.match(await call('look', key), { policies: [{ remaining: 2, text: '3 per hour, burst 3' }] })
  t.match(await call('block', { ...key, period: 'hour' }), { policies: [{ blocked: true }] })
  t.equal((await consoles[1].get('/')).status, 429, 'the other process asks the same Redis')
  t.match(await call('reset', key), { policies: [{ blocked: false, remaining: 3 }] })

  await server.stop()
  const unknown = '3 per hour, burst 3: not known, because the store does not answer'
  const other = { limiter: 'default', key: '192.0.2.1' }
  t.match(await consoles[0].call('look', other), { status: 200, policies: [{ text: unknown, limit: 3 }] })
  t.match(await consoles[1].call('look', other), {
    status: 200,
    policies: [{ text: unknown, allowed: true, limit: 3, remaining: 3 }],
  })
  t.match(await consoles[2].call('look', other), { status: 503, code: 'FST_FLOODGATE_STORE' })
})

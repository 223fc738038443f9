import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type Test, test } from 'tap'
import { ask, limited, ok, only } from '../../support/app.js'
import { emitted } from '../../support/warnings.js'
import { byHand, sub } from './ways.js'

/** What a server says to the head of a request whose body never comes. */
async function replyToHead(t: Test, app: FastifyInstance, token: string): Promise<string> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\nx-token: ${token}\r\ncontent-length: 1000\r\n`)
  socket.write('content-type: text/plain\r\n\r\n')
  const [head] = await once(socket, 'data')
  return String(head).slice(0, 12)
}

async function start(t: Test): Promise<FastifyInstance> {
  const app = await limited({ ...only(1), key: sub, guard: only(99) })
  t.teardown(() => app.close())
  return app
}

test('a user who is known after onRequest is denied before the body is read, whatever hooks follow', async (t) => {
  const app = await start(t)
  app.post('/', { onRequest: byHand, preValidation: async () => {}, preHandler: async () => {} }, ok)
  const headers = { 'x-token': 'token of ann' }
  t.same(await ask(app, { method: 'POST', url: '/', headers }), ['200 0'])
  t.equal(await replyToHead(t, app, headers['x-token']), 'HTTP/1.1 429')
})

test('a guest is denied before the body is read where no later hook could say who it is', async (t) => {
  emitted(t)
  const app = await start(t)
  app.post('/', ok)
  t.same(await ask(app, 'POST /'), ['200 0'])
  t.equal(await replyToHead(t, app, 'none'), 'HTTP/1.1 429')
})

import { once } from 'node:events'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import rateLimit from '../../../lib/index.js'

// A process of its own: with 'listen' it serves a few requests and closes, without it is never closed at all.
const app = Fastify()
await app.register(rateLimit, { rate: 2, per: 'day', burst: 2, guard: { rate: 9 }, key: () => undefined })
app.get('/', async () => 'ok')

if (process.argv[2] === 'listen') {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  for (let i = 0; i < 3; i++) {
    const [response] = await once(
      get({ port, host: '127.0.0.1', headers: { 'x-forwarded-for': '1.2.3.4' } }),
      'response',
    )
    response.resume()
    console.log(response.statusCode)
  }
  await app.close()
} else {
  for (let i = 0; i < 3; i++) console.log((await app.inject('/')).statusCode)
}

import { test } from 'tap'
import { type Decision, memoryStore, type RateLimitOptions } from '../../../lib/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { ask, CLIENT, limited, ok, only } from '../support/app.js'

const BLOCKING: RateLimitOptions = { ...only(1), block: '1 hour' }
const ABNORMAL = 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected'

test('a denial that begins a block says so, and until when', async (t) => {
  const clock = new ManualClock()
  const denied: Decision[] = []
  const app = await limited({
    ...BLOCKING,
    body: 'problem',
    headers: ['x-ratelimit', 'draft-11'],
    store: memoryStore({ clock }),
    onDenied: (_request, _reply, decision) => void denied.push(decision),
  })
  app.get('/', ok)
  t.same(await ask(app, 'GET /'), ['200 0'])
  const first = await app.inject('/')
  t.match(first.headers, {
    'retry-after': '3600',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': '3600',
    ratelimit: '"default";r=0;t=3600',
  })
  t.match(first.json(), { status: 429, type: ABNORMAL, blocked: true, 'violated-policies': ['default'] })
  clock.advance(3_599_000)
  t.equal((await app.inject('/')).headers['retry-after'], '1', 'a further denial prolongs nothing')
  t.same(
    denied.map((decision) => !decision.allowed && decision.blocked),
    [true, true],
  )
  clock.advance(1000)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'], 'then the key is as new')
})

test("the message of Fastify's body says that the client is blocked, also in a flood", async (t) => {
  const app = await limited({ ...only(1), limiters: { strict: BLOCKING } })
  app.get('/', ok)
  app.get('/strict', { config: { rateLimit: 'strict' } }, ok)
  await ask(app, 'GET /', 'GET /strict')
  const messages = []
  for (const url of ['/strict', '/', '/strict', '/']) messages.push((await app.inject(url)).json().message)
  t.same(messages.slice(2), messages.slice(0, 2))
  t.match(messages[0], 'Blocked after too many requests, retry in 3600 seconds')
  t.match(messages[1], 'Rate limit exceeded, retry in')
})

test('the guard blocks before anything else is asked', async (t) => {
  const app = await limited({ ...only(9), guard: BLOCKING })
  app.get('/', ok)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 0', '429 0', '429 0'])
  t.equal((app.rateLimit.get('default').peek(CLIENT) as Decision).remaining, 8)
  app.rateLimit.get('guard').reset(CLIENT)
  t.same(await ask(app, 'GET /'), ['200 0'], 'a reset lifts the block')
})

import { test } from 'tap'
import { ApiClient, statuses } from './api-client.js'
import { startServer } from './child.js'

const SERVER = 'examples/api-server/server.ts'
const API_KEYS = Array.from({ length: 20 }, (_, i) => `key-${i}`)

for (const { env, expected, retryAfter, within } of [
  {
    env: { HANDOFFKIT_API_RATE_LIMIT_PER_MIN: '1', HANDOFFKIT_API_BURST: '1' },
    expected: [200, 429],
    retryAfter: '60',
    within: 1000,
  },
  {
    env: { HANDOFFKIT_API_BURST: '5' },
    expected: [200, 200, 200, 200, 200, 429],
    retryAfter: '1',
    within: 600,
  },
]) {
  test(`${JSON.stringify(env)} answers ${expected.join(', ')} with Retry-After ${retryAfter}`, async (t) => {
    const { child, address } = await startServer(t, SERVER, { ...env, API_KEYS: API_KEYS.join() })
    const api = new ApiClient(address)
    const { answers } = await api.rapidly(API_KEYS.values(), within, (key) =>
      api.checks(key, expected.length),
    )
    t.same(statuses(answers), expected)
    t.equal(answers.at(-1)?.headers.get('retry-after'), retryAfter)
    t.equal(answers.at(-1)?.headers.get('x-ratelimit-limit'), env.HANDOFFKIT_API_BURST)
    t.match(child.stdout, `seq ${Number(env.HANDOFFKIT_API_BURST) + 5})`, 'the demonstration is long enough')
    t.notMatch(child.stdout, API_KEYS[0], 'keys that are not for show are not shown')
  })
}

test('SIGTERM and SIGINT end the server with code 0, even while a client keeps its connection', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child, address } = await startServer(t, SERVER)
    t.equal((await new ApiClient(address).get('/health')).status, 200)
    t.same(await child.stop(signal), { code: 0, signal: null }, signal)
    t.equal(child.stderr, '')
  }
})

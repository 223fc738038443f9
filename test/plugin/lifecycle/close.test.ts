import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'tap'
import { ask, limited, ok, only, user } from '../support/app.js'

const FIXTURE = fileURLToPath(new URL('close.fixture.ts', import.meta.url))
const PATIENCE = 60_000

/** All listeners of the process, by event. */
const listeners = () =>
  Object.fromEntries(process.eventNames().map((event) => [String(event), process.listenerCount(event)]))

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length

test('an app that has limited requests has started no timer, and leaves no listener on the process', async (t) => {
  const app = await limited({
    ...only(2),
    guard: only(9),
    key: () => undefined,
    limiters: { window: { algorithm: 'sliding-window', rate: 1 } },
  })
  app.get('/', ok)
  app.get('/window', { config: { rateLimit: ['window', { key: user, hook: 'preHandler' }] } }, ok)
  await app.ready()
  const before = { timers: timers(), listeners: listeners() }
  t.same(await ask(app, 'GET /', 'GET /', 'GET /', 'GET /window', 'GET /window'), [
    '200 1',
    '200 0',
    '429 0',
    '200 0',
    '429 0',
  ])
  t.same({ timers: timers(), listeners: listeners() }, before)
  await app.close()
  t.same(listeners(), before.listeners)
})

for (const [how, args] of Object.entries({ 'after close()': ['listen'], 'without close()': [] })) {
  test(`a process that has limited requests ends by itself ${how}`, async (t) => {
    // The timeout only frees the test from a process that hangs: it is killed, and the promise rejects.
    const child = promisify(execFile)(process.execPath, ['--import=tsx', FIXTURE, ...args], {
      timeout: PATIENCE,
    })
    const { stdout } = await child
    t.same(stdout.trim().split('\n'), ['200', '200', '429'])
  })
}

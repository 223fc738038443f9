import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import type { RateLimitOptions } from '../../../lib/index.js'
import { fileLimits } from '../../../lib/limits.js'
import { documentedApp, operationsOf, policiesOf } from '../../openapi/support.js'
import { ask, CLIENT, limited, ok, only, user } from '../support/app.js'

const tried = (n: number) => ({ ...only(n), enforce: false }) as const

async function enforceOf(options: RateLimitOptions, name = 'own'): Promise<number[]> {
  const app = await limited(options)
  return app.rateLimit.get(name).policies.map(({ enforce }) => enforce)
}

test('nobody inherits `enforce` from the default limiter', async (t) => {
  const options = { enforce: false, limiters: { own: only(3) }, guard: only(9) } as const
  t.same(await enforceOf(options, 'default'), [0])
  t.same(await enforceOf(options), [1])
  t.same(await enforceOf(options, 'guard'), [1])
  t.same(await enforceOf({ limiters: { own: [only(3), { name: 'share', enforce: 0.5 }] } }), [1, 0.5])
  const progress = { algorithm: 'concurrency', limit: 3, enforce: false } as const
  t.same(await enforceOf({ limiters: { own: progress } }), [0])
  t.same(
    await enforceOf({ limiters: { own: { algorithm: 'sliding-window', rate: 1, enforce: 0.1 } } }),
    [0.1],
  )
})

test('a value that is not allowed is refused where it stands', async (t) => {
  const allowed = 'true, false, or the share of the keys that it denies: 0 to 1'
  for (const [options, where] of [
    [{ enforce: 2 }, 'enforce'],
    [{ guard: { enforce: 2 } }, 'guard.enforce'],
    [{ limiters: { own: [{}, { enforce: 2 }] } }, 'limiters.own[1].enforce'],
  ] as const)
    await t.rejects(limited(options), { message: `option '${where}' is 2; allowed: ${allowed}` })
})

test('update() turns a shadow into a limit and back, and nothing else that it says does', async (t) => {
  const app = await limited({ limiters: { own: tried(2) } })
  app.get('/', { config: { rateLimit: 'own' } }, ok)
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 -', '200 -', '200 -'])
  app.rateLimit.update('own', only(3))
  t.same(await ask(app, 'GET /'), ['200 -'], 'other numbers deny nobody')
  app.rateLimit.update('own', { ...only(3), enforce: true })
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 1', '200 0', '429 0'], 'it had counted')
  app.rateLimit.update('own', tried(3))
  t.same(await ask(app, 'GET /'), ['200 -'])
  app.rateLimit.update('own', { ...only(3), enforce: 1 })
  t.same(await ask(app, 'GET /'), ['429 0'])
  t.match(app.rateLimit.stats().limiters.own.policies.own, { enforce: 1, denied: 2, shadowDenied: 2 })
  app.rateLimit.update('own', [
    { name: 'a', ...only(5) },
    { name: 'b', ...tried(1), block: 'hour' },
  ])
  t.same(await ask(app, 'GET /', 'GET /'), ['200 4', '200 3'])
  app.rateLimit.update('own', { ...only(1) })
  t.same(
    await ask(app, 'GET /', 'GET /'),
    ['200 0', '429 0'],
    'of several policies none says it for the next',
  )
})

test('the default limiter is tried by itself, and update() ends that', async (t) => {
  const app = await limited({ ...tried(1), guard: only(9) })
  app.get('/', ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 8', '200 7'])
  app.rateLimit.update('default', { ...only(1), enforce: true })
  t.same(await ask(app, 'GET /'), ['429 0'])
  app.rateLimit.update('guard', { ...only(9), enforce: false })
  app.rateLimit.update('default', tried(1))
  t.same(await ask(app, 'GET /'), ['200 -'])
})

test('a limits file makes a limiter a shadow and keeps the rest, or keeps a shadow and changes the rest', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'floodgate-enforce-')), 'limits.json')
  const change = (limiters: object) => writeFileSync(path, JSON.stringify({ limiters }))
  change({})
  const app = await limited(
    {
      limits: fileLimits(path),
      limiters: { own: only(2), list: [only(3), { name: 'b', ...only(4) }], shadow: tried(1) },
    },
    { logger: { level: 'silent' } },
  )
  t.teardown(() => app.close())
  await app.ready()
  const policies = (name: string) =>
    app.rateLimit.get(name).policies.map(({ limit, enforce }) => [limit, enforce])
  const until = async (isTrue: () => boolean) => {
    while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  change({ own: { enforce: false }, list: { enforce: 0.1 }, shadow: { rate: 7, burst: 7 } })
  await until(() => app.rateLimit.stats().limits?.ok === 2)
  t.same(policies('own'), [[2, 0]])
  t.same(policies('list'), [
    [3, 0.1],
    [4, 0.1],
  ])
  t.same(policies('shadow'), [[7, 0]])
  change({ shadow: { enforce: true } })
  await until(() => app.rateLimit.stats().limits?.ok === 3)
  t.same(
    [...policies('own'), ...policies('shadow')],
    [
      [2, 1],
      [1, 1],
    ],
  )
  change({ shadow: { enforce: 'half' } })
  await until(() => app.rateLimit.stats().limits?.invalid === 1)
  t.match(app.rateLimit.stats().limits?.lastError, "option 'limiters.shadow.enforce' is 'half'")
  t.same(policies('shadow'), [[1, 1]])
})

test('an override of a shadow is one, unless it says otherwise', async (t) => {
  const app = await limited({ limiters: { own: tried(1) }, keys: { user } })
  app.get('/', { config: { rateLimit: 'own' } }, ok)
  app.rateLimit.override('own', CLIENT, only(2))
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 -', '200 -', '200 -'])
  app.rateLimit.override('own', CLIENT, { ...only(2), enforce: true })
  t.same(await ask(app, 'GET /'), ['429 0'])
  app.rateLimit.override('own', CLIENT, null)
  app.rateLimit.update('own', { ...only(1), enforce: true })
  app.rateLimit.override('own', CLIENT, { ...only(1), enforce: false })
  t.same(await ask(app, 'GET /', 'GET /'), ['200 -', '200 -'])
})

test('OpenAPI documents what may deny, and no shadow', async (t) => {
  const app = await documentedApp({
    ...tried(1),
    limiters: {
      list: [
        { name: 'share', ...only(1), enforce: 0.1 },
        { name: 'tried', ...tried(1) },
      ],
    },
  })
  app.get('/', ok)
  app.get('/list', { config: { rateLimit: ['default', 'list'] } }, ok)
  const operations = await operationsOf(app)
  t.equal(policiesOf(operations['get /']), undefined)
  t.same(Object.keys(operations['get /'].responses), ['200'])
  t.same(policiesOf(operations['get /list']), ['share'])
})

test('a policy that is tried beside an equal one blocks nobody, also where update() brings it', async (t) => {
  const app = await limited({ limiters: { own: only(2) } })
  app.get('/', { config: { rateLimit: 'own' } }, ok)
  const blocking = { ...tried(2), name: 'blocking', block: '1 hour' } as const
  app.rateLimit.update('own', [{ name: 'own', ...only(2) }, blocking])
  t.same(await ask(app, 'GET /', 'GET /', 'GET /'), ['200 1', '200 0', '429 0'])
  t.match((await app.inject('/')).json(), { message: 'Rate limit exceeded, retry in 1800 seconds' })
  t.match(app.rateLimit.stats().limiters.own.policies, {
    own: { allowed: 2, denied: 2 },
    blocking: { allowed: 2, shadowDenied: 2 },
  })
})

test('optionsOf() says that a limiter is a shadow, so that update() with other numbers keeps it', async (t) => {
  const { rateLimit } = await limited({
    limiters: { own: tried(1), list: [only(1), { name: 'b', ...tried(2) }] },
  })
  for (const name of ['own', 'list']) {
    const { policies } = rateLimit.get(name)
    for (let i = 0; i < 2; i++) rateLimit.update(name, rateLimit.optionsOf(name))
    t.strictSame(rateLimit.get(name).policies, policies, name)
  }
  t.match(rateLimit.optionsOf('own'), { enforce: false })
  rateLimit.update('own', only(5))
  t.match(rateLimit.optionsOf('own'), { enforce: 0 }, 'it stayed')
  rateLimit.update('own', { ...only(5), enforce: true })
  t.notOk('enforce' in rateLimit.optionsOf('own'), 'enforced, as policies are that say nothing')
})

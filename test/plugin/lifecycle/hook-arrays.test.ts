import type { RouteShorthandOptions } from 'fastify'
import { test } from 'tap'
import type { RoutePolicy } from '../../../lib/index.js'
import { ask, limited, ok, only, tracer, user } from '../support/app.js'

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

/** A hook of that name that does nothing. */
const pass = (name: string) =>
  name === 'preParsing'
    ? (_request: unknown, _reply: unknown, _payload: unknown, done: () => void) => done()
    : (_request: unknown, _reply: unknown, done: () => void) => done()

for (const name of HOOKS) {
  test(`an array of ${name} hooks that routes share is left alone, and carries no limiter to another route`, async (t) => {
    const hook = pass(name)
    const shared = [hook]
    const route = (rateLimit?: RoutePolicy | false) =>
      ({ [name]: shared, config: { rateLimit } }) as RouteShorthandOptions
    const app = await limited(only(9))
    app.get('/free', route(false), ok)
    app.get('/ip', route(only(1)), ok)
    app.get('/user', route({ ...only(1), key: user }), ok)
    app.get('/validation', route({ ...only(2), hook: 'preValidation' }), ok)
    app.get('/handler', route({ ...only(3), hook: 'preHandler' }), ok)
    app.get('/late-free', route(false), ok)

    t.same(await ask(app, 'GET /ip', 'GET /ip'), ['200 0', '429 0'])
    t.same(await ask(app, 'GET /user', 'GET /user'), ['200 0', '429 0'])
    t.same(await ask(app, 'GET /validation', 'GET /validation', 'GET /validation'), [
      '200 1',
      '200 0',
      '429 0',
    ])
    t.same(await ask(app, ...Array(4).fill('GET /handler')), ['200 2', '200 1', '200 0', '429 0'])
    t.same(await ask(app, 'GET /free', 'GET /late-free'), ['200 -', '200 -'])
    t.equal(shared.length, 1)
    t.equal(shared[0], hook)
  })
}

test('a config object, frozen or shared, is left alone', async (t) => {
  const config = Object.freeze({ rateLimit: Object.freeze({ ...only(1) }), mine: 1 })
  const options = Object.freeze({ config })
  const app = await limited()
  app.get('/a', options, async (request) => request.routeOptions.config)
  app.get('/b', options, ok)
  t.match((await app.inject('/a')).json(), { mine: 1, rateLimit: only(1) }, 'the route still sees its config')
  t.same(await ask(app, 'GET /b', 'GET /b', 'GET /a'), ['200 0', '429 0', '429 0'])
  t.same(Reflect.ownKeys(config), ['rateLimit', 'mine'])
})

const PLACES: { policy: RoutePolicy; after: string }[] = [
  { policy: { key: 'ip' }, after: 'arrival' },
  { policy: { key: 'global' }, after: 'arrival' },
  { policy: { key: user }, after: 'onRequest' },
  { policy: { key: 'ip', hook: 'preValidation' }, after: 'preValidation' },
  { policy: { key: user, hook: 'preHandler' }, after: 'preHandler' },
]
const FORMS = { 'no hook': 0, 'a function': 1, 'an array': 2 }

for (const { policy, after } of PLACES) {
  for (const [form, count] of Object.entries(FORMS)) {
    const key = typeof policy.key === 'function' ? 'user' : policy.key
    const hook = policy.hook ?? 'none'
    test(`with ${form} at each stage, all hooks run in order around a limiter by ${key}, hook ${hook}`, async (t) => {
      const trace: string[] = []
      const { hook, parsing, cost } = tracer(trace)
      const options: Record<string, unknown> = {}
      for (const name of HOOKS) {
        const make = name === 'preParsing' ? parsing : hook
        const list = Array.from({ length: count }, (_, i) => make(`${name} ${i}`))
        if (count > 0) options[name] = count === 1 ? list[0] : list
      }
      const app = await limited()
      app.addHook('onRequest', hook('instance'))
      app.post(
        '/',
        { ...options, config: { rateLimit: { ...only(1), ...policy, cost: cost('limiter') } } },
        async () => {
          trace.push('handler')
        },
      )
      await ask(app, 'POST /')

      const expected = ['arrival', 'instance']
      for (const name of HOOKS) {
        for (let i = 0; i < count; i++) expected.push(`${name} ${i}`)
        expected.push(name)
      }
      // Of the places where the limiter might stand, only the one where it does.
      const marks = ['arrival', ...HOOKS] as string[]
      const wanted = expected.flatMap((step) =>
        step === after ? ['limiter'] : marks.includes(step) ? [] : [step],
      )
      t.same(trace, [...wanted, 'handler'])
    })
  }
}

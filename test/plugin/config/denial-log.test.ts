import Fastify, { type FastifyServerOptions } from 'fastify'
import { test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../lib/index.js'
import { ask, frozenStore, limited, ok, only } from '../support/app.js'

type Line = Record<string, unknown>

/** An app, and the lines that it logs of denials. */
async function logging(options: RateLimitOptions, logger: object = {}) {
  const lines: Line[] = []
  const stream = { write: (line: string) => lines.push(JSON.parse(line)) }
  const app = await limited(options, {
    logger: { level: 'trace', stream, ...logger },
    disableRequestLogging: true,
  } as FastifyServerOptions)
  app.get('/', ok)
  return { app, lines: () => lines.filter(({ denials }) => denials !== undefined) }
}

test('a limiter that denies says so once, and the number of denials when the app closes', async (t) => {
  const { app, lines } = await logging({ ...only(1), guard: only(3) })
  await ask(app, ...new Array(6).fill('GET /'))
  t.match(lines(), [
    { level: 30, msg: 'rate limiter denies requests', limiter: 'default', denials: 1 },
    { level: 30, msg: 'rate limiter denies requests', limiter: 'guard', denials: 1 },
  ])
  t.equal(lines().length, 2)
  t.notMatch(JSON.stringify(lines()), /127\.0\.0\.1/)
  await app.close()
  t.match(lines().slice(2), [
    { level: 30, msg: 'rate limiter denied requests', limiter: 'default', denials: 1, seconds: Number },
    { level: 30, msg: 'rate limiter denied requests', limiter: 'guard', denials: 2, seconds: Number },
  ])
  t.equal(lines().length, 4)
})

test('several policies of a limiter that deny are one denial', async (t) => {
  const limit = [
    { name: 'a', ...only(1) },
    { name: 'b', ...only(1) },
  ]
  const { app, lines } = await logging({ limiters: { pair: limit }, rateLimit: 'pair' })
  await ask(app, 'GET /', 'GET /', 'GET /')
  await app.close()
  t.match(lines(), [{ denials: 1 }, { denials: 1 }])
  t.equal(lines().length, 2)
})

test('the option `log` says at which level, or none', async (t) => {
  for (const [log, levels] of [
    ['warn', [40]],
    ['trace', [10]],
    ['audit', [35]],
    [false, []],
  ] as const) {
    const { app, lines } = await logging({ ...only(1), log }, { customLevels: { audit: 35 } })
    await ask(app, 'GET /', 'GET /')
    t.same(
      lines().map(({ level }) => level),
      levels,
      String(log),
    )
  }
})

test('an app without a logger logs nothing, and works', async (t) => {
  const app = Fastify()
  await app.register(rateLimit, { ...only(1), store: frozenStore() })
  app.get('/', ok)
  t.same(await ask(app, 'GET /', 'GET /'), ['200 0', '429 0'])
})

test('a level that the logger does not have is refused', async (t) => {
  for (const log of ['infos', 'child', true, null, 30])
    await t.rejects(async () => await Fastify().register(rateLimit, { log: log as never }), {
      code: 'FST_FLOODGATE_OPTION',
      message: /'log' is .*; allowed: false, 'fatal', /,
    })
})

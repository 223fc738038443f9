import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Test, t, test } from 'tap'
import { startRedis } from '../fixtures/redis/server.js'
import { until } from '../fixtures/redis/until.js'
import { readPage } from '../fixtures/snippets.js'
import { parseSeries } from '../observe/series.js'
import { startServer } from './child.js'
import { hasPrometheus, promtool, startPrometheus } from './prometheus.js'

t.setTimeout(90_000)

const path = (name: string) => fileURLToPath(new URL(`../../examples/metrics/${name}`, import.meta.url))

interface Panel {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[]
}

const dashboard = JSON.parse(readFileSync(path('dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}
const queries = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
  ...dashboard.annotations.list.map(({ expr }) => ({ title: 'annotation', expr })),
]
/** The names of our metrics in a text, without the endings of a histogram. */
const namesIn = (text: string) =>
  new Set([...text.matchAll(/floodgate_\w+/g)].map(([name]) => name.replace(/_(?:bucket|count|sum)$/, '')))

/** The example as a process: where clients ask, and where operators do. */
async function start(t: Test, env: Record<string, string> = {}) {
  const limits = join(t.testdir(), 'limits.json')
  writeFileSync(limits, '{}')
  const { child, address } = await startServer(t, 'examples/metrics/server.ts', {
    METRICS_PORT: '0',
    LIMITS: limits,
    ...env,
  })
  const metrics = /^Metrics at (\S+)$/m.exec(child.stdout)?.[1] as string
  /** Answers by status, as clients see them. */
  const seen = new Map<number, number>()
  const load = async () => {
    const requests = [
      ...Array.from({ length: 20 }, () => fetch(`${address}/search`)),
      ...Array.from({ length: 3 }, () => fetch(`${address}/login`, { method: 'POST' })),
      fetch(address),
    ]
    for (const { status } of await Promise.all(requests)) seen.set(status, (seen.get(status) ?? 0) + 1)
  }
  return { child, address, metrics, limits, seen, load }
}

test('the example runs: clients are limited, and operators see what was decided and for whom', async (t) => {
  const { child, metrics, seen, load, limits } = await start(t)
  await load()
  await load()
  const series = parseSeries(await (await fetch(metrics)).text(), 'floodgate_decisions_total')
  const sumOf = (names: RegExp) =>
    [...series].filter(([name]) => names.test(name)).reduce((sum, [, value]) => sum + value, 0)
  const total = (outcome: string) => sumOf(new RegExp(`policy="(?!tried).*"${outcome}"`))
  t.equal(total('denied') + total('blocked'), seen.get(429))
  t.equal(total('allowed') + total('delayed'), (seen.get(200) as number) + (seen.get(401) as number))
  t.ok(sumOf(/tried.*"shadow_denied"/) > 0, 'what the policy that is tried would have denied')
  const offenders = await (await fetch(new URL('/offenders', metrics))).json()
  t.match(offenders, [{ key: '127.0.0.1' }])
  writeFileSync(limits, '{ "limiters": { "login": { "rate": 9 } } }')
  const limitOf = async () =>
    parseSeries(await (await fetch(metrics)).text()).get(
      'floodgate_policy_limit{limiter="login",policy="login"}',
    )
  await until('the new limit', async () => (await limitOf()) === 9)
  t.match(await child.stop(), { code: 0 })
  t.equal(child.stderr, '')
})

test('the dashboard shows every metric that the docs name, and no other', async (t) => {
  const page = readPage('docs/observing.md').split('## Names of metrics')[1].split('\n## ')[0]
  const shown = namesIn(queries.map(({ expr }) => expr).join('\n'))
  t.same([...shown].sort(), [...namesIn(page)].sort())
})

test('panels have an id each, and lie side by side', async (t) => {
  const { panels } = dashboard
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const overlaps = panels.flatMap(({ title, gridPos: a }, i) =>
    panels
      .slice(i + 1)
      .filter(({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
      .map(({ title: other }) => `${title} and ${other}`),
  )
  t.same(overlaps, [])
  t.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24))
})

test('the rules are valid, and each fires when it must and not before', async (t) => {
  if (!hasPrometheus(t)) return
  t.match(promtool('check', 'rules', path('alerts.yml')), { status: 0, said: /SUCCESS: 8 rules found/ })
  t.match(promtool('test', 'rules', path('alerts.test.yml')), { status: 0, said: /SUCCESS/ })
  t.match(promtool('check', 'config', path('prometheus.yml')), { status: 0 })
  const [rules, tests] = ['alerts.yml', 'alerts.test.yml'].map((name) => readFileSync(path(name), 'utf8'))
  for (const [, alert] of rules.matchAll(/alert: (\w+)/g)) {
    t.match(
      tests,
      new RegExp(`alertname: ${alert}\\n +eval_time: \\S+\\n +exp_alerts:\\n +- exp`),
      `${alert} fires`,
    )
    t.match(tests, new RegExp(`\\{ alertname: ${alert}, eval_time: 2h \\}`), `${alert} does not fire`)
  }
})

test('a real Prometheus accepts every query, and has data for it', async (t) => {
  if (!hasPrometheus(t)) return
  const redis = await startRedis(t)
  const [memory, shared] = [await start(t), await start(t, { REDIS_URL: redis.url })]
  const jobs = { memory: memory.metrics, redis: shared.metrics }
  const prometheus = await startPrometheus(t, jobs, path('alerts.yml'))
  const scrapes = () => prometheus.query('count_over_time(floodgate_store_up[1h]) > 3')
  await until('some scrapes', async () => (await scrapes()).length === 2)
  for (let i = 0; i < 4; i++) {
    await Promise.all([memory.load(), shared.load()])
    await sleep(250)
  }
  writeFileSync(memory.limits, '{ "limiters": { "login": { "rate": 6 } } }')
  const reloads = (result: string) =>
    prometheus.query(
      `floodgate_limits_reloads_total{job="memory", result="${result}"} > ${result === 'ok' ? 1 : 0}`,
    )
  await until('the new limits', async () => (await reloads('ok')).length === 1)
  await Promise.all([memory.load(), shared.load()])

  const filled = (expr: string) =>
    expr.replaceAll('$__rate_interval', '10s').replace(/\$(?:job|instance|limiter)/g, '.*')
  // A busy machine misses some scrapes.
  for (const { title, expr } of queries)
    t.ok(
      await until(`${title}: ${expr}`, async () => (await prometheus.query(filled(expr))).length > 0),
      `${title}: ${expr}`,
    )

  const [, ofPage] = /^```promql\n([\s\S]*?)^```$/m.exec(readPage('docs/choosing.md')) ?? []
  t.ok(
    (await prometheus.query(ofPage)).some(({ metric }) => metric.policy === 'tried'),
    'docs/choosing.md',
  )

  const number = async (expr: string) => Number((await prometheus.query(expr))[0]?.value[1])
  for (const [job, { seen }] of [
    ['memory', memory],
    ['redis', shared],
  ] as const) {
    const denied = `sum(floodgate_decisions_total{job="${job}", outcome=~"denied|blocked"})`
    await until('the last scrape', async () => (await number(denied)) === seen.get(429)).catch(() => {})
    t.equal(await number(denied), seen.get(429), `${job}: Prometheus has what clients saw`)
  }

  writeFileSync(memory.limits, '{ "limiters": { "serach": {} } }')
  const firing = async () => (await prometheus.rules()).filter(({ state }) => state === 'firing')
  await until('the alert', async () => (await firing()).some(({ name }) => name === 'FloodgateLimitsInvalid'))
  const rules = await prometheus.rules()
  t.equal(rules.length, 8)
  for (const { name, query, health, lastError } of rules) {
    t.same([health, lastError], ['ok', undefined], name)
    await prometheus.query(query)
    const known = await prometheus.names()
    for (const metric of query.match(/floodgate_\w+/g) ?? [])
      t.ok(known.includes(metric), `${name}: ${metric}`)
  }
})

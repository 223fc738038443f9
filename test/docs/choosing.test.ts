import { writeFileSync } from 'node:fs'
import { t, test } from 'tap'
import { until } from '../fixtures/redis/until.js'
import { runSnippet } from '../fixtures/snippet-runner.js'
import { fromRoot, readPage } from '../fixtures/snippets.js'
import { seriesOf } from '../observe/series.js'
import { run } from '../replay/cli/support.js'

// Six times as many requests as 50 clients send.
t.setTimeout(90_000)

const PAGE = 'docs/choosing.md'
const SCRAPERS = Array.from({ length: 40 }, (_, i) => `203.0.113.${i}`)
const PEOPLE = Array.from({ length: 10 }, (_, i) => `198.51.100.${i}`)

test('choosing.md: the replay prints what the page shows', async (t) => {
  const [, code, output] = /^```sh\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(readPage(PAGE)) ?? []
  const command = fromRoot(code).replaceAll('\\\n', ' ')
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, a, b]) => a ?? b)
  const { stdout } = await run(words.slice(2))
  let from = 0
  for (const line of output.split('\n').filter((line) => line !== '...')) {
    const at = stdout.indexOf(line, from)
    t.ok(at >= 0, line)
    from = at + line.length
  }
})

test('choosing.md: each step denies whom the page says', async (t) => {
  const { app, path, registry } = await runSnippet(t, PAGE, 'start')
  const put = async (text: string) => {
    const before = app.rateLimit.stats().limits?.ok as number
    writeFileSync(path as string, text)
    await until('the document', () => app.rateLimit.stats().limits?.ok === before + 1)
  }
  /** Who is denied. Scrapers send 80 requests each, and people 10. */
  const denied = async () => {
    const keys = new Set<string>()
    for (const [clients, count] of [
      [SCRAPERS, 80],
      [PEOPLE, 10],
    ] as const)
      for (const remoteAddress of clients)
        for (let i = 0; i < count; i++)
          if ((await app.inject({ url: '/', remoteAddress })).statusCode === 429) keys.add(remoteAddress)
    return [...keys]
  }
  const [shadow, share, enforced] = [...readPage(PAGE).matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(
    ([, json]) => json,
  )

  t.same(await denied(), [], 'the blind limit denies nobody')
  await put(shadow)
  t.same(await denied(), [], 'nor does a shadow')
  const offenders = app.rateLimit.offenders()
  t.same(offenders.map(({ key }) => key).sort(), [...SCRAPERS].sort(), 'but it knows whom it would deny')
  t.ok(offenders.every(({ denied, shadowDenied }) => denied === 0 && shadowDenied > 0))
  const metrics = await seriesOf(registry as never)
  const counted = metrics.get(
    'floodgate_decisions_total{limiter="default",policy="tried",outcome="shadow_denied"}',
  )
  t.equal(
    counted,
    offenders.reduce((sum, { shadowDenied }) => sum + shadowDenied, 0),
  )
  await put(share)
  const some = await denied()
  t.ok(some.length > 0 && some.length <= 10, `${some.length} of 40`)
  t.same(
    some.filter((key) => !SCRAPERS.includes(key)),
    [],
  )
  t.same(await denied(), some, 'always the same ones')
  await put(enforced)
  t.same(await denied(), SCRAPERS)
  await put('{}')
  t.equal((await app.inject({ url: '/', remoteAddress: SCRAPERS[0] })).headers['x-ratelimit-limit'], '1000')
})

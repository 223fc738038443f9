import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { limitsCommand } from '../../lib/limits/cli/limits-command.js'
import { startRedis } from '../fixtures/redis/server.js'
import { runSnippet } from '../fixtures/snippet-runner.js'
import { readPage } from '../fixtures/snippets.js'
import { run } from '../replay/cli/support.js'

const PAGE = 'docs/changing-limits.md'

/** What is below a heading of the page. */
function sectionOf(heading: string): string {
  const sections = readPage(PAGE).split(/^## /m)
  return sections.find((part) => part.startsWith(`${heading}\n`)) ?? ''
}

/** The JSON blocks below a heading. */
function documentsOf(heading: string): string[] {
  return [...sectionOf(heading).matchAll(/^ *```json\n([\s\S]*?)^ *```$/gm)].map(([, json]) => json)
}

test('the steps of an incident do what they say', async (t) => {
  const { app, path } = await runSnippet(t, PAGE, 'incident')
  const limits = async () => {
    const limitOf = async (remoteAddress: string) =>
      (await app.inject({ url: '/search', remoteAddress })).headers['x-ratelimit-limit']
    return [await limitOf('192.0.2.1'), await limitOf('198.51.100.20')]
  }
  t.same(await limits(), ['20', '20'])
  const write = async (text: string) => {
    const reloads = app.rateLimit.stats().limits?.ok as number
    writeFileSync(path as string, text)
    while (app.rateLimit.stats().limits?.ok === reloads) await sleep(50)
  }
  const [lower, spare] = documentsOf('In the middle of an incident')
  await write(lower)
  t.same(await limits(), ['2', '2'])
  await write(spare)
  t.same(await limits(), ['2', '20'])
  t.match(app.rateLimit.overrides(), [{ comment: 'Acme, INC-42', used: 1 }])
  await write('{}')
  t.same(await limits(), ['20', '20'])
})

test('the session at a terminal does what the page says', async (t) => {
  const { url } = await startRedis(t)
  const path = join(t.testdir(), 'limits.json')
  const block = sectionOf('From a terminal').match(/^```sh\n([\s\S]*?)^```$/m)?.[1] as string
  const lines = block.split('\n').filter((line) => line.startsWith('npx fastify-floodgate limits'))
  const outputs: Record<string, string> = {}
  for (const line of lines) {
    const words = [...line.replace(/ > .*/, '').matchAll(/'([^']*)'|\S+/g)].map(
      ([word, quoted]) => quoted ?? word,
    )
    const [verb, ...args] = words.slice(3).map((word) => (word === 'limits.json' ? path : word))
    const env = { REDIS_URL: url, USER: 'ops' }
    const { code, stdout } = await run(['limits', verb, ...args], { commands: [limitsCommand], env })
    t.equal(code, verb === 'diff' ? 1 : 0, line)
    outputs[verb] = stdout
    // The reader writes a file of the page here.
    if (verb === 'show') writeFileSync(path, documentsOf('In the middle of an incident')[0])
  }
  t.match(outputs, {
    show: '{}\n',
    diff: '  rate: not set -> 10\n  burst: not set -> 2\n',
    history: 'ops: INC-42: search is slow',
    rollback: '  rate: 10 -> not set',
  })
})

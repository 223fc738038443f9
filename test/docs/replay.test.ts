import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { test } from 'tap'
import { sampleLines } from '../../examples/replay/generate.js'
import { ROOT, readPage } from '../fixtures/snippets.js'
import { run } from '../replay/cli/support.js'
import { optionsOf } from './options-of.js'

const PAGE = readPage('docs/replay.md')
const SAMPLE = 'examples/replay/access.log.gz'

/** The commands of the page that read the sample, each with the output that follows it, if any does. */
function commands(): { args: string[]; output: string | undefined }[] {
  const blocks = [...PAGE.matchAll(/^```sh\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm)]
  return blocks.flatMap(([, code, output]) => {
    const lines = code.replaceAll('\\\n', ' ').trim().split('\n')
    return lines
      .filter((line) => line.startsWith('npx ') && line.includes(SAMPLE))
      .map((line) => {
        const words = line.match(/'[^']*'|\S+/g)?.slice(2) ?? []
        return { args: words.map((word) => word.replaceAll("'", '')), output }
      })
  })
}

/** Whether `text` has the lines of `output` in their order. A line `...` stands for any lines. */
function shows(text: string, output: string): boolean {
  const parts = output.split(/^\.\.\.\n/m).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[\\s\\S]*?')}$`).test(text)
}

test('replay.md: each command prints what the page shows', async (t) => {
  const all = commands()
  t.ok(all.filter(({ output }) => output !== undefined).length >= 3)
  const page = join(t.testdir({}), 'report.html')
  for (const { args, output } of all) {
    const { code, stdout, stderr } = await run(args.map((arg) => (arg === 'report.html' ? page : arg)))
    t.same([code, stderr], [0, ''], args.join(' '))
    if (output !== undefined) t.ok(shows(stdout, output), `${args.join(' ')}\n${stdout}`)
  }
  t.ok(existsSync(page))
})

test('replay.md: the attackers are the forty who are denied, and no person is', async (t) => {
  const { args } = commands().find(({ args }) => args.includes('4xx')) as { args: string[] }
  const { stdout } = await run([...args, '--json'])
  const { policies, keys } = JSON.parse(stdout)
  t.equal(policies[0].keysDenied.count, 40)
  t.match(PAGE, `nobody of the ${keys - 40} people`)
})

test('replay.md: the table has each option of replay(), beside that of the command line', async (t) => {
  const [, table] = /\| `replay\(\)` \| command line \|\n\|.*\n((?:\|.*\n)+)/.exec(PAGE) ?? []
  const rows = `${table}`.trim().split('\n')
  const cells = rows.map((row) => row.split('|').slice(1))
  const names = cells.flatMap(([left]) => [...left.matchAll(/`([a-z]\w*)[`:]/g)].map(([, name]) => name))
  t.same(names.sort(), optionsOf('lib/replay/options.ts', 'ReplayOptions').sort())
  const { stdout } = await run(['replay', '--help'])
  const flags = new Set(cells.flatMap(([, right]) => right.match(/--[\w-]+/g) ?? []))
  const same = cells
    .filter(([, right]) => right.includes('the same names'))
    .flatMap(([left]) => left.match(/\w+/g))
  for (const name of same) flags.add(`--${name}`)
  t.same([...flags].sort(), [...new Set(stdout.match(/--[a-z][\w-]+/g))].sort())
})

test('the sample log is what its generator writes', async (t) => {
  const text = gunzipSync(readFileSync(new URL(SAMPLE, ROOT))).toString()
  t.ok(text === `${sampleLines().join('\n')}\n`, 'run the generator again, and gzip -9n')
})

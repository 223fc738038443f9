import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { startRedis } from './fixtures/redis/server.js'
import { runSnippet } from './fixtures/snippet-runner.js'
import { PAGES, ROOT, readPage, snippetsOf } from './fixtures/snippets.js'

test('every TypeScript snippet of README and docs/ has a name and does what it shows', async (t) => {
  const { port } = await startRedis(t)
  const warnings: Error[] = []
  const listen = (warning: Error) => warnings.push(warning)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  t.capture(console, 'log')

  for (const page of PAGES) {
    for (const name of snippetsOf(page).keys()) {
      await t.test(`${page}: ${name}`, async (t) => {
        const { app, shown } = await runSnippet(t, page, name, port)
        await app?.ready()
        for (const [line, value, pattern] of shown) t.match(value, pattern, line)
        t.same(warnings.splice(0), [], 'no warning')
      })
    }
  }
})

test('a TypeScript block without a name is found', async (t) => {
  const file = `.tap/unnamed-${process.pid}.md`
  writeFileSync(new URL(file, ROOT), '# A page\n\n```ts\nconst a = 1\n```\n')
  t.teardown(() => rmSync(new URL(file, ROOT)))
  t.throws(() => snippetsOf(file), { message: /no <!-- snippet: name --> above/ })
})

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): string[] {
  return [...readPage(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

test('every link between pages leads somewhere', async (t) => {
  for (const page of PAGES) {
    const text = readPage(page).replace(/^```[\s\S]*?^```$/gm, '')
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link)
    for (const link of links.filter((link) => !/^https?:/.test(link))) {
      const [path, anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      t.ok(existsSync(new URL(target, ROOT)), `${page}: ${link}`)
      if (anchor !== undefined) t.ok(anchorsOf(target).includes(anchor), `${page}: ${link}`)
    }
  }
})

test('the commands at the head of each example are whole', async (t) => {
  const examples = new URL('examples/', ROOT)
  const files = readdirSync(examples, { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((file) => file.endsWith('.ts'))) {
    const [head] = readFileSync(new URL(file, examples), 'utf8').split(/^(?!\/\/)/m, 1)
    const commands = [...head.matchAll(/^\/\/ {5}(.*)$/gm)].map(([, line]) => line)
    if (commands.length === 0) continue
    t.doesNotThrow(() => execFileSync('sh', ['-n'], { input: commands.join('\n'), stdio: 'pipe' }), file)
  }
})

test('docs/README.md lists every page', async (t) => {
  const index = readPage('docs/README.md')
  for (const page of PAGES.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md'))
    t.match(index, `](${page.slice('docs/'.length)})`, page)
})

test('docs/errors.md has a heading for every code in lib/, and for no other', async (t) => {
  const lib = fileURLToPath(new URL('lib', ROOT))
  const sources = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(lib, path), 'utf8'))
  const codes = new Set(sources.flatMap((source) => source.match(/\bFST_FLOODGATE_[A-Z0-9_]+\b/g) ?? []))
  const headings = [...readPage('docs/errors.md').matchAll(/^### `(FST_FLOODGATE_\w+)`$/gm)].map(
    ([, code]) => code,
  )
  t.same(headings.sort(), [...codes].sort())
})

import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { t, test } from 'tap'
import * as source from '../lib/index.js'
import { PAGES, readPage } from './fixtures/snippets.js'
import { compiler, install, ROOT, run } from './package/install.js'

t.setTimeout(120_000)

const { folder: project, installed, built, manifest } = install()

test('the package holds what is built, its papers, and nothing else', async (t) => {
  const files = readdirSync(installed, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(installed.length + 1)
        .replaceAll('\\', '/'),
    )
  const papers = [
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'bench/NOTES.md',
    'limits.schema.json',
    'package.json',
  ]
  const folders = [
    /^dist\/(?:lib|types)\/.+\.(?:js|d\.ts)$/,
    /^dist\/lib\/console\/page\/[\w.-]+\.(?:html|css|txt)$/,
    /^docs\/(?:.+\.md|console\.webp)$/,
    /^bench\/results\//,
    /^examples\//,
  ]
  const strays = files.filter(
    (file) => !papers.includes(file) && !folders.some((pattern) => pattern.test(file)),
  )
  t.strictSame(strays, [])
  for (const paper of papers) t.ok(files.includes(paper) || !existsSync(join(ROOT, paper)), paper)
  for (const file of [manifest.main, manifest.types]) t.ok(existsSync(join(installed, file)), file)
})

test('every link and picture of README and docs is in the package', async (t) => {
  let links = 0
  for (const page of PAGES) {
    const text = readFileSync(join(installed, page), 'utf8')
    for (const [, link] of text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      links++
      t.ok(existsSync(join(installed, dirname(page), link)), `${page}: ${link}`)
    }
  }
  t.ok(links > 10, `${links} links were found`)
})

test('every command of npm that README, docs and examples name is there', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const examples = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' })
  const texts = [
    ...PAGES.map(readPage),
    ...examples
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFileSync(join(ROOT, 'examples', path), 'utf8')),
  ]
  const named = new Set(
    texts.flatMap((text) => [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name)),
  )
  t.ok(named.has('metrics') && named.has('bench'))
  t.same(
    [...named].filter((name) => !(name in scripts)),
    [],
  )
})

test('publint finds nothing to say about it', async (t) => {
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true })
  t.strictSame(messages, [])
})

test('it is typed and runs for ES modules, for require() and for imports compiled to CommonJS', async (t) => {
  cpSync(fileURLToPath(new URL('types/packed', import.meta.url)), project, { recursive: true })
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { module: 'nodenext', target: 'es2023', strict: true, types: ['node'] },
      include: ['*.mts', '*.cts'],
    }),
  )
  writeFileSync(join(project, 'package.json'), '{}')
  run('node', [compiler('typescript'), '-p', project])

  const names = Object.keys(source).filter((name) => name !== 'default' && name !== 'module.exports')
  for (const program of ['esm.mjs', 'require.cjs', 'import.cjs']) {
    const said = JSON.parse(run('node', [program], { cwd: project }))
    t.match(said, { codes: [200, 200, 429], wait: 60 }, program)
    if (said.names !== undefined)
      t.strictSame(
        names.filter((name) => !said.names.includes(name)),
        [],
        `${program} has all`,
      )
    if (program === 'require.cjs') t.equal(said.type, 'function')
  }
})

test('its other doors open, too: Redis, threads, metrics, limits, replay and the console', async (t) => {
  t.strictSame(JSON.parse(run('node', ['stores.mjs'], { cwd: project })), {
    shared: [true, false],
    counted: 'floodgate_units_total{limiter="once",policy="once"} 1',
    refused: 'FST_FLOODGATE_OPTION',
    replayed: 2,
    page: [200, 200],
  })
})

test('its command line runs', async (t) => {
  t.match(run('node', [join(installed, manifest.bin), 'replay', '--help']), /^fastify-floodgate replay: /)
  t.match(readFileSync(join(installed, manifest.bin), 'utf8'), /^#!\/usr\/bin\/env node\n/)
})

test('a build leaves a command line that runs by its name, as npx runs it in a clone', async (t) => {
  t.match(run(join(built, manifest.bin), ['replay', '--help']), /^fastify-floodgate replay: /)
})

test('the logs that pages read lie in a project where the pages say', async (t) => {
  const [, code] = /^```sh\n(npx [\s\S]*?)^```/m.exec(readPage('docs/choosing.md')) ?? []
  const command = `${code}`.replace('npx fastify-floodgate', `node '${join(installed, manifest.bin)}'`)
  t.match(run('sh', ['-c', command], { cwd: project }), 'denied 1,126 of 20,289 requests')
  const [, file] = /files: '(.*?)'/.exec(readPage('docs/replay.md')) ?? []
  t.ok(existsSync(join(project, `${file}`)), file)
})

test('only what is exported can be reached', async (t) => {
  const resolve = (name: string) =>
    run('node', ['-p', `require.resolve('fastify-floodgate${name}')`], { cwd: project }).trim()
  t.match(resolve('/package.json'), /package\.json$/)
  t.match(resolve('/limits.schema.json'), /limits\.schema\.json$/)
  t.throws(() => resolve('/dist/lib/limiter/index.js'), { message: /ERR_PACKAGE_PATH_NOT_EXPORTED/ })
})

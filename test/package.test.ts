import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { t, test } from 'tap'
import * as source from '../lib/index.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MODULES = join(ROOT, 'node_modules')
const TSC = join(MODULES, 'typescript', 'bin', 'tsc')
const work = mkdtempSync(join(tmpdir(), 'floodgate-package-'))
t.setTimeout(120_000)
process.once('exit', () => rmSync(work, { recursive: true, force: true }))

const project = join(work, 'project')
const installed = join(project, 'node_modules', 'fastify-floodgate')

/** Packs a copy of the sources, built there, and unpacks it where a project would find it. */
function install(): void {
  const copy = join(work, 'copy')
  mkdirSync(copy)
  const wanted = /^(?:package\.json|tsconfig.*\.json|lib|types|scripts|README\.md|CHANGELOG\.md|LICENSE)$/
  for (const name of readdirSync(ROOT)) {
    if (wanted.test(name)) cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  }
  symlinkSync(MODULES, join(copy, 'node_modules'))
  run('npm', ['pack', '--silent', '--pack-destination', work], { cwd: copy })
  const archive = readdirSync(work).find((name) => name.endsWith('.tgz')) as string
  mkdirSync(installed, { recursive: true })
  run('tar', ['-xzf', join(work, archive), '-C', installed, '--strip-components=1'])
  const { dependencies } = manifest()
  for (const name of [...Object.keys(dependencies), 'fastify', '@types/node']) {
    const link = join(project, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(MODULES, name), link)
  }
}

/** Runs a command without the hooks that tap puts into every Node: no user has them, and TypeScript 7 fails with them. */
function run(command: string, args: string[], options: ExecFileSyncOptions = {}): string {
  try {
    return String(
      execFileSync('env', ['-u', 'NODE_OPTIONS', command, ...args], { stdio: 'pipe', ...options }),
    )
  } catch (error) {
    const { message, stdout } = error as Error & { stdout: Buffer }
    throw new Error(`${message}\n${stdout}`)
  }
}

function manifest() {
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
}

install()

test('the package holds what is built, its papers, and nothing else', async (t) => {
  const files = readdirSync(installed, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(installed.length + 1)
        .replaceAll('\\', '/'),
    )
  const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
  const strays = files.filter(
    (file) => !papers.includes(file) && !/^dist\/(?:lib|types)\/.+\.(?:js|d\.ts)$/.test(file),
  )
  t.strictSame(strays, [])
  for (const paper of papers) t.ok(files.includes(paper) || !existsSync(join(ROOT, paper)), paper)
  for (const file of [manifest().main, manifest().types]) t.ok(existsSync(join(installed, file)), file)
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
  run('node', [TSC, '-p', project])

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

test('its other doors open, too: Redis and threads', async (t) => {
  t.strictSame(JSON.parse(run('node', ['stores.mjs'], { cwd: project })), {
    shared: [true, false],
    refused: 'FST_FLOODGATE_OPTION',
  })
})

test('only what is exported can be reached', async (t) => {
  const resolve = (name: string) =>
    run('node', ['-p', `require.resolve('fastify-floodgate${name}')`], { cwd: project }).trim()
  t.match(resolve('/package.json'), /package\.json$/)
  t.throws(() => resolve('/dist/lib/limiter/index.js'), { message: /ERR_PACKAGE_PATH_NOT_EXPORTED/ })
})

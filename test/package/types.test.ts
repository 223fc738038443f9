import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { t, test } from 'tap'
import { programsOf, type Sources } from '../fixtures/snippet-types.js'
import { PAGES } from '../fixtures/snippets.js'
import { compiler, install } from './install.js'

t.setTimeout(600_000)

const { folder } = install()

const STRICT = {
  target: 'es2023',
  lib: ['es2023'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
}
const NODENEXT = { ...STRICT, module: 'nodenext' }
const BUNDLER = { ...STRICT, module: 'preserve', moduleResolution: 'bundler' }

function program(name: string, compilerOptions: object, sources: Sources): string {
  const path = join(folder, name)
  mkdirSync(path)
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }))
  for (const [name, code] of sources) writeFileSync(join(path, `${name}.mts`), code)
  return path
}

const { plain, naming } = programsOf(PAGES)
const programs = [
  program('nodenext', NODENEXT, plain),
  program('bundler', BUNDLER, plain),
  program('naming', { ...NODENEXT, skipLibCheck: true }, naming),
]
cpSync(fileURLToPath(new URL('../types/clients', import.meta.url)), programs[0], { recursive: true })

/**
 * What the compiler says about a program, nothing if all is well, without the hooks that tap puts into every
 * Node.
 */
function faults(name: string, path: string): Promise<string> {
  const command = ['-u', 'NODE_OPTIONS', process.execPath, compiler(name), '-p', path]
  return new Promise((resolve) => {
    execFile('env', command, (error, stdout, stderr) =>
      resolve(error === null ? '' : `${stdout}${stderr}` || String(error)),
    )
  })
}

test('README, docs and all Redis clients satisfy strict compilers, old and new', async (t) => {
  t.ok(plain.size >= 6 && naming.size >= 1, 'snippets were found')
  await Promise.all(
    ['typescript56', 'typescript59', 'typescript'].map(async (name) => {
      for (const path of programs) t.equal(await faults(name, path), '', `${name}: ${path}`)
    }),
  )
})

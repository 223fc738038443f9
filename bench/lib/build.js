// The code under test is what users run: lib/ compiled by tsc, as `npm run build` does, and not lib/ through
// tsx, whose esbuild keeps names by wrapping functions and lowers some syntax in its own way.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const BENCH = fileURLToPath(new URL('..', import.meta.url))
const ROOT = resolve(BENCH, '..')
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
/**
 * Below the root's node_modules: git, Biome and tap do not look there, and imports find the root's
 * dependencies, not the peers'.
 */
const CACHE = join(ROOT, 'node_modules', '.cache')

/**
 * Compiles a checkout (default: the one that this folder is in) into a folder that goes when the process
 * ends. Types are not checked, `npm run typecheck` does that. Returns the folder.
 */
export function build(source = ROOT) {
  if (!existsSync(TSC)) throw new Error('run `npm ci` in the root folder first')
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, 'floodgate-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const project = join(source, 'tsconfig.build.json')
  const options = ['-p', project, '--outDir', folder, '--noCheck', '--declaration', 'false']
  const { status, stdout, stderr } = spawnSync(process.execPath, [TSC, ...options], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tsc failed:\n${stdout}${stderr}`)
  const page = join('lib', 'console', 'page')
  if (existsSync(join(source, page))) cpSync(join(source, page), join(folder, page), { recursive: true })
  return folder
}

/** A module of a build, such as `index.js` or `store/key-hash.js`. */
export function load(folder, module = 'index.js') {
  return import(pathToFileURL(join(folder, 'lib', module)).href)
}

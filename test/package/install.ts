import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MODULES = join(ROOT, 'node_modules')

interface Manifest {
  readonly main: string
  readonly types: string
  readonly bin: string
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** A project of a user into which the package is installed as it is published. */
export interface Project {
  readonly folder: string
  /** Where the package lies in it. */
  readonly installed: string
  /** The copy of the sources that the package was built in and packed from. */
  readonly built: string
  readonly manifest: Manifest
}

/**
 * Runs a command without the hooks that tap puts into every Node: no user has them, and TypeScript 7 fails
 * with them.
 */
export function run(command: string, args: string[], options: ExecFileSyncOptions = {}): string {
  try {
    return String(
      execFileSync('env', ['-u', 'NODE_OPTIONS', command, ...args], { stdio: 'pipe', ...options }),
    )
  } catch (error) {
    const { message, stdout } = error as Error & { stdout: Buffer }
    throw new Error(`${message}\n${stdout}`)
  }
}

/** What the package is made of, and what makes it. */
function copySources(copy: string): void {
  const { files } = readManifest(ROOT)
  const makers = ['package.json', 'README.md', 'LICENSE', 'lib', 'types', 'scripts']
  const settings = readdirSync(ROOT).filter((name) => /^tsconfig.*\.json$/.test(name))
  for (const name of [...makers, ...settings, ...files.filter((name) => name !== 'dist')])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true })
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/**
 * Packs a copy of the sources, built there, and unpacks it where a project would find it, beside its
 * dependencies and ours. All of it is removed when the process ends.
 */
export function install(): Project {
  const work = mkdtempSync(join(tmpdir(), 'floodgate-package-'))
  process.once('exit', () => rmSync(work, { recursive: true, force: true }))
  const [built, folder] = ['built', 'project'].map((name) => join(work, name))
  const installed = join(folder, 'node_modules', 'fastify-floodgate')
  mkdirSync(built)
  mkdirSync(installed, { recursive: true })
  copySources(built)
  symlinkSync(MODULES, join(built, 'node_modules'))
  run('npm', ['pack', '--silent', '--pack-destination', work], { cwd: built })
  const archive = readdirSync(work).find((name) => name.endsWith('.tgz')) as string
  run('tar', ['-xzf', join(work, archive), '-C', installed, '--strip-components=1'])
  const manifest = readManifest(installed)
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(MODULES, name), link)
  }
  return { folder, installed, built, manifest }
}

/** Path of the compiler of that package: `typescript`, or an alias of another version. */
export function compiler(name: string): string {
  return join(MODULES, name, 'bin', 'tsc')
}

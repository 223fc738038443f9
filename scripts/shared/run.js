// How scripts run other programs, and tap among them.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Our compiler. `npx tsc` may be one of the older ones, which the tests of the package use. */
export const TSC = 'node_modules/typescript/bin/tsc'

const TAP = 'node_modules/tap/dist/esm/run.mjs'
const BUILT_TAP = `${ROOT}node_modules/@tapjs/test/test-built/dist/esm/index.js`
const GROUPS = '.tap/groups'

/**
 * Runs a program in the root of the repository. Resolves to whether it succeeded and, with `quiet`, to its
 * output; without, it prints as it goes.
 */
export function run(command, args, { env = {}, quiet = false } = {}) {
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['inherit', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text))
    child.on('error', (error) => resolve({ ok: false, output: `${command}: ${error.message}\n` }))
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

/**
 * `tap build` compiles the plugins of .taprc into tap. It takes 10 s, once an installation. A `tap run` that
 * finds it not done does it too late for its own tests, so that all of them fail.
 */
async function buildTap(node) {
  const isBuilt = existsSync(BUILT_TAP) && !readFileSync(BUILT_TAP, 'utf8').includes('@tapjs/typescript')
  return isBuilt ? { ok: true, output: '' } : await run(node, [TAP, 'build'], { quiet: true })
}

let building

/** Runs `tap run` with these arguments under `node`, after `tap build` if that was not done yet. */
export async function runTap(args, { node = process.execPath, ...options } = {}) {
  building ??= buildTap(node)
  const built = await building
  return built.ok ? await run(node, [TAP, 'run', ...args], options) : built
}

/** Options of `tap run` for groups. */
export const GROUP_OPTIONS = ['--disable-coverage', '--reporter=min']

/**
 * Writes a file that imports these test files, for one process to run all of them, and returns its path. A
 * process takes a second to start, longer than most test files take to run.
 */
export function groupTests(name, files) {
  mkdirSync(`${ROOT}${GROUPS}`, { recursive: true })
  const path = `${GROUPS}/${name}.ts`
  const imports = files.map((file) => `import '../../${file}'\n`)
  // The timeout of .taprc is that of one test file.
  const patience = ["import t from 'tap'\n", 't.setTimeout(900_000)\n']
  writeFileSync(`${ROOT}${path}`, [...imports, ...patience].join(''))
  return path
}

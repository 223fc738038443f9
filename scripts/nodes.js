// Runs the tests that need no server on other lines of Node.js: `npm run test:nodes`, or `npm run test:nodes
// -- 24` for one of them. The registry's `node-<platform>-<arch>` packages hold the binaries; they are kept
// in .tap/nodes.
import { readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { needingNothing } from './shared/rooms.js'
import { GROUP_OPTIONS, groupTests, ROOT, run, runTap } from './shared/run.js'

const LINES = ['22', '24']
const THREADS = 'test/store/shared/**/*.test.ts'

/**
 * Fetches the newest `node` of that line and returns its path. Throws an error that holds the output of npm.
 */
async function fetchNode(line) {
  const { platform, arch } = process
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node'
  const name = `${prefix}-${platform === 'win32' ? 'win' : platform}-${arch}`
  const folder = join(ROOT, '.tap/nodes', line)
  const flags = ['--no-package-lock', '--ignore-scripts', '--loglevel=error']
  const { ok, output } = await run('npm', ['install', '--prefix', folder, ...flags, `${name}@${line}`], {
    quiet: true,
  })
  if (!ok) throw new Error(`npm cannot fetch ${name}@${line}:\n${output}`)
  const home = join(folder, 'node_modules', name)
  return join(home, JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).bin.node)
}

async function test(line) {
  const node = await fetchNode(line)
  const { groups, long } = needingNothing()
  const files = [...Object.entries(groups).map((group) => groupTests(...group)), ...long, THREADS]
  // Tests that start `node` by its name get this one, too.
  const env = { PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
  const { ok } = await runTap([...GROUP_OPTIONS, ...files], { node, env })
  const { output } = await run(node, ['--version'], { quiet: true })
  console.log(`${ok ? 'ok' : 'NOT OK'}  Node.js ${output.trim()}`)
  return ok
}

const lines = process.argv.length > 2 ? process.argv.slice(2) : LINES
let failed = 0
for (const line of lines) if (!(await test(line))) failed++
process.exit(failed === 0 ? 0 : 1)

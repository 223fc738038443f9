// All tests: `npm test`. Runs each check, shows its output, and ends with one line of counts.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { inGroups } from './shared/rooms.js'
import { run, runTap } from './shared/run.js'

const TAP_STREAM = '.tap/stream.tap'
const V8_COVERAGE = '.tap/v8-coverage'

// c8 reads V8's own coverage, because tap's coverage counts lines that never ran.
const TAP = ['--reporter=terse', `--output-file=${TAP_STREAM}`, '--disable-coverage']
// Of two processors tap would use one, and many tests wait for servers.
if (availableParallelism() === 2) TAP.push('--jobs=2')
const C8 = [
  `--temp-directory=${V8_COVERAGE}`,
  '--include=lib/**',
  '--check-coverage',
  '--100',
  '--reporter=text',
]

function hasRedis() {
  return ['redis-server', 'valkey-server'].some(
    (server) => spawnSync(server, ['--version'], { stdio: 'ignore' }).status === 0,
  )
}

/**
 * The tests (not the assertions) of a TAP stream, which are the `ok` lines one level below the files: how
 * many passed, and the lines of those that did not.
 */
function count(stream) {
  const lines = stream.split('\n')
  return {
    passed: lines.filter((line) => /^ {4}ok \d/.test(line)).length,
    failed: lines.filter((line) => /^ {4}not ok \d/.test(line)),
  }
}

if (!hasRedis()) {
  console.error(
    'npm test needs redis-server or valkey-server on the PATH: apt-get install redis-server, or brew install redis',
  )
  if (process.env.CI === 'true') process.exit(1)
}

const checks = [
  ['lint', () => run('npm', ['run', '--silent', 'lint'])],
  ['types', () => run('npm', ['run', '--silent', 'typecheck'])],
  ['tests', () => runTap([...TAP, ...inGroups()], { env: { NODE_V8_COVERAGE: V8_COVERAGE } })],
  ['model', () => run('npm', ['run', '--silent', 'test:model'])],
  ['coverage', () => run('npx', ['c8', 'report', ...C8])],
]

rmSync(TAP_STREAM, { force: true })
rmSync(V8_COVERAGE, { recursive: true, force: true })
const broken = []
for (const [name, check] of checks) if (!(await check()).ok) broken.push(name)
const { passed, failed } = count(existsSync(TAP_STREAM) ? readFileSync(TAP_STREAM, 'utf8') : '')
const others = broken.filter((name) => name !== 'tests' || failed.length === 0)
// Once more at the end, as what went wrong may be thousands of lines above.
for (const line of failed) console.error(line.trim())
for (const name of others) console.error(`failed: ${name}`)
console.log(`${passed + checks.length - broken.length} passed, ${failed.length + others.length} failed`)
process.exit(broken.length === 0 ? 0 : 1)

// The whole proof: `npm test`. Runs each check, lets it speak, and ends with one line that counts.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'

const TAP_STREAM = '.tap/stream.tap'
const V8_COVERAGE = '.tap/v8-coverage'

// Coverage is V8's own, read by c8: what tap itself gathers counts lines that never ran.
const TAP = ['--reporter=terse', `--output-file=${TAP_STREAM}`, '--disable-coverage']
const C8 = [
  `--temp-directory=${V8_COVERAGE}`,
  '--include=lib/**',
  '--check-coverage',
  '--100',
  '--reporter=text',
]

function run(command, args, env = {}) {
  return spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status === 0
}

function hasRedis() {
  return ['redis-server', 'valkey-server'].some(
    (server) => spawnSync(server, ['--version'], { stdio: 'ignore' }).status === 0,
  )
}

/** Counts the tests (not the assertions) of a TAP stream: the `ok` lines one level below the files. */
function count(stream) {
  const lines = stream.split('\n')
  return {
    passed: lines.filter((line) => /^ {4}ok \d/.test(line)).length,
    failed: lines.filter((line) => /^ {4}not ok \d/.test(line)).length,
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
  ['tests', () => run('npx', ['tap', 'run', ...TAP], { NODE_V8_COVERAGE: V8_COVERAGE })],
  ['model', () => run('npm', ['run', '--silent', 'verify:model'])],
  ['coverage', () => run('npx', ['c8', 'report', ...C8])],
]

// tap learns its plugins from .taprc once; a run that has to learn them first would still use the old ones.
run('npx', ['tap', 'build'])
rmSync(TAP_STREAM, { force: true })
rmSync(V8_COVERAGE, { recursive: true, force: true })
const broken = checks.filter(([, check]) => !check()).map(([name]) => name)
const { passed, failed } = count(existsSync(TAP_STREAM) ? readFileSync(TAP_STREAM, 'utf8') : '')
const others = broken.filter((name) => name !== 'tests' || failed === 0)
for (const name of others) console.error(`failed: ${name}`)
console.log(`${passed + checks.length - broken.length} passed, ${failed + others.length} failed`)
process.exit(broken.length === 0 ? 0 : 1)

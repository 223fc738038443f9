// What a replay of a large log takes: seconds, and memory at its peak, beside programs that read the same log
// for less. `npm run bench:replay`; GoAccess takes part where it is on the PATH.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logLines } from './lib/access-log.js'
import { alone, ours, quick } from './lib/options.js'
import { figure, publish, table, verdicts } from './lib/report.js'
import { interleave, median } from './lib/rounds.js'

const LINES = quick ? 100_000 : 1_000_000
const KEYS = LINES / 10
const ROUNDS = quick ? 1 : 5
/** The same log, grown: with the same keys it needs the same memory. */
const GROWTH = quick ? [1, 2] : [1, 4, 16]
const MIB = 2 ** 20

const folder = mkdtempSync(join(tmpdir(), 'floodgate-replay-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const log = join(folder, 'access.log')
const [{ build }] = ours()
const cli = [process.execPath, join(build, 'lib', 'cli.js'), 'replay']
const policy = ['--policy', 'rate=60 per=minute burst=20']
// The least that could be called the same: requests above 60 of a client within a minute of the clock.
const AWK = '{ if (++n[$1 substr($4, 2, 17)] > 60) d++ } END { print d + 0 }'

async function write(lines) {
  const file = createWriteStream(log)
  for (const part of logLines(lines, KEYS)) if (!file.write(part)) await once(file, 'drain')
  file.end()
  await once(file, 'close')
}

function has(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** Runs a program to its end. Resolves to seconds, and MiB at its peak: what Linux calls VmHWM. */
async function measure([program, ...args], input) {
  const start = process.hrtime.bigint()
  const child = spawn(program, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'inherit'],
  })
  let peak = Number.NaN
  const watch = setInterval(() => {
    try {
      peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? peak)
    } catch {}
  }, 10)
  if (input !== undefined) {
    for (const part of input) if (!child.stdin.write(part)) await once(child.stdin, 'drain')
    child.stdin.end()
  }
  const [code] = await once(child, 'close')
  clearInterval(watch)
  if (code !== 0) throw new Error(`${program} ended with ${code}`)
  return { seconds: Number(process.hrtime.bigint() - start) / 1e9, memory: peak / 1024 }
}

const contenders = {
  'replay, one policy': [...cli, ...policy, log],
  'replay, five policies': [
    ...cli,
    ...[20, 30, 40, 50, 60].flatMap((burst) => ['--policy', `rate=60 burst=${burst}`]),
    log,
  ],
  'replay, advice': [...cli, log],
  ...(alone ? {} : peers()),
}

function peers() {
  const awks = ['mawk', 'gawk']
    .filter(has)
    .map((awk) => [`${awk}, requests by client and minute`, [awk, AWK, log]])
  const goaccess = [
    'goaccess',
    log,
    '--log-format=COMBINED',
    '--no-progress',
    '-o',
    join(folder, 'report.json'),
  ]
  return Object.fromEntries(has('goaccess') ? [...awks, ['goaccess', goaccess]] : awks)
}

await write(LINES)
const size = statSync(log).size
const results = await interleave(
  Object.keys(contenders).map((name) => ({ name })),
  ROUNDS,
  ({ name }) => measure(contenders[name]),
)
const of = (name, what) => median(results.get(name).map((result) => result[what]))
const rows = Object.keys(contenders).map((title) => [
  title,
  figure(of(title, 'seconds')),
  figure(of(title, 'memory')),
])

const grown = []
for (const times of GROWTH) {
  const { memory } = await measure([...cli, ...policy, '-'], logLines(LINES * times, KEYS))
  grown.push([(LINES * times).toLocaleString('en-US'), figure((size * times) / 1e9), figure(memory)])
}

const one = 'replay, one policy'
publish({
  name: 'replay',
  title: 'Replaying a log',
  about: `A combined log of ${LINES.toLocaleString('en-US')} lines (${figure(size / MIB)} MiB) with ${KEYS.toLocaleString('en-US')} clients. Wall-clock seconds from start to exit, and the largest
resident set of the process in MiB; medians of ${ROUNDS} rounds that take turns. The awk programs count requests of a client above 60 within a minute of the clock, which is no limiter, but reads the same fields.`,
  sections: [
    table(['program', 'seconds', 'MiB'], rows),
    '## The same log, grown',
    `With the same clients, one policy:\n\n${table(['lines', 'GB', 'MiB'], grown)}`,
    verdicts([
      { what: 'seconds, one policy', limit: 8, measured: of(one, 'seconds') },
      { what: 'MiB, one policy', limit: 150, measured: of(one, 'memory'), digits: 0 },
      {
        what: 'seconds with advice, of those with one policy',
        limit: 3,
        measured: of('replay, advice', 'seconds') / of(one, 'seconds'),
        unit: ' times',
      },
    ]),
  ],
})

// Checks the protocol of shared memory (model/threads.pml) in every order of its steps, with spin: `npm run
// test:model`. First the protocol, which must hold; then the protocol with one mistake at a time, each of
// which must be found.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const MODEL = resolve('model/threads.pml')

const HOLD = [
  ['2 threads, one key', { THREADS: 2, OPS: 2, CRASHES: 2, FAILS: 1 }],
  ['2 threads, keys in two parts', { THREADS: 2, OPS: 2, GROUP: 1, CRASHES: 1, FAILS: 1 }],
  ['2 threads that both end, keys in two parts', { THREADS: 2, OPS: 2, GROUP: 1, CRASHES: 2 }],
  ['3 threads, one key', { THREADS: 3, CRASHES: 2, JOINED: 1 }],
  ['3 threads with 2 records, one key', { THREADS: 3, RECORDS: 2, CRASHES: 2 }],
  ['3 threads, keys in two parts', { THREADS: 3, GROUP: 1, CRASHES: 2, JOINED: 1 }],
  ['3 threads with 2 records, keys in two parts', { THREADS: 3, RECORDS: 2, GROUP: 1, CRASHES: 1 }],
]

const BREAK = [
  ['a lock is taken from a slow thread', 'BUG_STEAL'],
  ['words are written that no journal has saved', 'BUG_NOTE'],
  ['locks are given back before the charge is committed', 'BUG_COMMIT'],
  ['two threads recover the same thread', 'BUG_RECOVER'],
  ['a thread recovers another without looking again', 'BUG_LOOK'],
  ['a record changes hands under the same owner id', 'BUG_GENERATION'],
  ['locks are taken in any order', 'BUG_ORDER'],
].map(([name, bug]) => [name, { [bug]: 1, THREADS: 3, RECORDS: 2, GROUP: 1, CRASHES: 2 }])

function run(command, args, cwd) {
  return new Promise((done) => {
    let output = ''
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (text) => (output += text))
    child.stderr.on('data', (text) => (output += text))
    child.on('error', (error) => done({ ok: false, output: error.message }))
    child.on('close', (code) => done({ ok: code === 0, output }))
  })
}

/** Visits every state. Returns how many there are, and how many errors: 0 or 1. */
async function explore(defines) {
  const folder = mkdtempSync(join(tmpdir(), 'floodgate-model-'))
  const flags = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`)
  try {
    for (const [command, ...args] of [
      ['spin', '-a', ...flags, MODEL],
      ['gcc', '-O2', '-w', '-DSAFETY', '-DCOLLAPSE', '-o', 'pan', 'pan.c'],
    ]) {
      const { ok, output } = await run(command, args, folder)
      if (!ok) throw new Error(`${command}: ${output.trim()}`)
    }
    const { output } = await run('./pan', ['-m100000'], folder)
    const [errors, states] = [/errors: (\d+)/, /(\d+) states, stored/].map((found) => found.exec(output)?.[1])
    // A search that was cut short proves nothing.
    if (errors === undefined || /max search depth too small|out of memory|VECTORSZ/.test(output))
      throw new Error(`pan: ${output.trim()}`)
    return { errors: Number(errors), states: Number(states) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function check([name, defines], mustHold) {
  const { errors, states } = await explore(defines)
  const ok = (errors === 0) === mustHold
  const found = mustHold ? `${states} states` : 'found'
  console.log(
    `${ok ? 'ok' : 'NOT OK'}  ${mustHold ? '' : 'mistake: '}${name}: ${ok ? found : `${errors} errors`}`,
  )
  return ok
}

function isMissing(command, flag) {
  return spawnSync(command, [flag], { stdio: 'ignore' }).error !== undefined
}

if (isMissing('spin', '-V') || isMissing('gcc', '--version')) {
  console.error(
    'npm run test:model needs spin and gcc on the PATH: apt-get install spin gcc, or brew install spin',
  )
  process.exit(process.env.CI === 'true' ? 1 : 0)
}

const queue = [...HOLD.map((one) => [one, true]), ...BREAK.map((one) => [one, false])]
let failed = 0
async function work() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift())
    if (!(await check(...next))) failed++
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work))
process.exit(failed === 0 ? 0 : 1)

import { spawn, spawnSync } from 'node:child_process'
import { closeSync, createReadStream, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { combined, gzipped, NOON } from '../support.js'

const CLI = fileURLToPath(new URL('../../../lib/cli.ts', import.meta.url))
const PROGRAM = ['--import=tsx', CLI]
const LOG = `${Array.from({ length: 50 }, (_, i) => combined(NOON + i * 1000, '192.0.2.1')).join('\n')}\n`

test('the program reads files and the standard input, and exits with its code', async (t) => {
  const path = join(t.testdir({ log: gzipped(LOG) }), 'log')
  const named = spawnSync(process.execPath, [...PROGRAM, 'replay', path, '--policy', 'rate=10'], {
    encoding: 'utf8',
  })
  t.match(named, { status: 0, stdout: /denied 32 of 50 requests/, stderr: '' })
  const piped = spawn(process.execPath, [...PROGRAM, 'replay', '-', '--json'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  createReadStream(path).pipe(piped.stdin)
  let output = ''
  for await (const text of piped.stdout.setEncoding('utf8')) output += text
  t.match(JSON.parse(output), { requests: 50, files: [{ file: 'stdin' }] })
  const failed = spawnSync(process.execPath, [...PROGRAM, 'replay', `${path}.gz`], { encoding: 'utf8' })
  t.match(failed, { status: 2, stdout: '', stderr: /log\.gz: no such file\n$/ })
})

test('`--html` does not replace the log that is the standard input', async (t) => {
  const path = join(t.testdir({ log: LOG }), 'log')
  const log = openSync(path, 'r')
  t.teardown(() => closeSync(log))
  const { status, stderr } = spawnSync(process.execPath, [...PROGRAM, 'replay', '-', '--html', path], {
    encoding: 'utf8',
    stdio: [log, 'pipe', 'pipe'],
  })
  t.match(
    { status, stderr },
    { status: 2, stderr: /'--html' is '.*allowed: a file that is none of the logs/ },
  )
  t.equal(readFileSync(path, 'utf8'), LOG)
})

const hasFull = existsSync('/dev/full')

test('output that cannot be written is a failure', { skip: !hasFull && 'no /dev/full' }, async (t) => {
  const path = join(t.testdir({ log: LOG }), 'log')
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  for (const args of [['replay', path], ['replay', path, '--json'], ['help']]) {
    const { status, stderr } = spawnSync(process.execPath, [...PROGRAM, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    })
    t.match({ status, stderr }, { status: 2, stderr: /^fastify-floodgate: ENOSPC: no space left.*\n$/ })
  }
  const page = spawnSync(process.execPath, [...PROGRAM, 'replay', path, '--html', '/dev/full'], {
    encoding: 'utf8',
  })
  t.match(page, { status: 2, stdout: '', stderr: /--html cannot be written: ENOSPC/ })
})

test('a reader that has seen enough is no failure', async (t) => {
  const child = spawn(process.execPath, [...PROGRAM, 'replay', '-', '--json'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  child.stdin.end(LOG)
  const code = await new Promise((resolve) => child.on('close', resolve))
  t.same([code, stderr], [0, ''])
})

import { spawn, spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
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

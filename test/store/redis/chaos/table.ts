import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COLUMNS } from './support/report.js'

/**
 * Runs the tests of this folder one after the other, and prints what they measured as a table: `node
 * --import=tsx test/store/redis/chaos/table.ts`. Set FLOODGATE_CHAOS_SECONDS=10 for long loads on several
 * processes.
 */
const directory = mkdtempSync(join(tmpdir(), 'floodgate-chaos-'))
const file = join(directory, 'rows')
const tests = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join(import.meta.dirname, name))
const env = { ...process.env, FLOODGATE_CHAOS_REPORT: file }
const { status } = spawnSync('npx', ['tap', 'run', '--disable-coverage', '--jobs=1', ...tests], {
  env,
  stdio: ['ignore', 2, 2],
})
const rows = existsSync(file) ? readFileSync(file, 'utf8') : ''
rmSync(directory, { recursive: true })
console.log(`| ${COLUMNS.join(' | ')} |\n|${COLUMNS.map(() => ' --- |').join('')}\n${rows}`)
process.exitCode = status ?? 1

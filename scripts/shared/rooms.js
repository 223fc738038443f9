// Which test files need what.
import { readdirSync, readFileSync } from 'node:fs'
import { ROOT } from './run.js'

/** Test files that start servers, threads, browsers or examples, run snippets, or pack. */
const NEEDY =
  /^test\/(?:store\/(?:redis|shared)|plugin\/redis|docs|examples|package|fixtures|types)\/|^test\/(?:docs|package|readme)\./

/** Whether a test file asks for more time than others get. */
function isLong(path) {
  return /^t\.setTimeout\(/m.test(readFileSync(ROOT + path, 'utf8'))
}

/**
 * Test files that need nothing but a process: those that are over soon, in two groups that take about as long
 * as each other, and the others.
 */
export function needingNothing() {
  const files = readdirSync(`${ROOT}test`, { recursive: true })
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.ts') && !NEEDY.test(path))
    .sort()
  const quick = files.filter((path) => !isLong(path))
  const groups = {
    plugin: quick.filter((path) => path.startsWith('test/plugin/')),
    others: quick.filter((path) => !path.startsWith('test/plugin/')),
  }
  return { groups, long: files.filter(isLong) }
}

// Which test files need what.
import { readdirSync, readFileSync } from 'node:fs'
import { groupTests, ROOT } from './run.js'

/** Test files that start servers, threads, browsers or examples, run snippets, or pack. */
const NEEDY =
  /^test\/(?:store\/(?:redis|shared)|(?:plugin|observe|limits\/cli|console)\/redis|console\/page\/browser|docs|examples|package|fixtures|types)\/|^test\/(?:docs|package|readme|limiter\/async|limits\/redis-limits|replay\/(?:page\/browser|cli\/program))\./

/** Whether a test file asks for more time than others get. */
function isLong(path) {
  return /^t\.setTimeout\(/m.test(readFileSync(ROOT + path, 'utf8'))
}

function allTests() {
  return readdirSync(`${ROOT}test`, { recursive: true })
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.ts'))
    .sort()
}

/**
 * Test files that need nothing but a process: those that are over soon, in two groups that take about as long
 * as each other, and the others.
 */
export function needingNothing() {
  const files = allTests().filter((path) => !NEEDY.test(path))
  const quick = files.filter((path) => !isLong(path))
  const groups = {
    plugin: quick.filter((path) => path.startsWith('test/plugin/')),
    others: quick.filter((path) => !path.startsWith('test/plugin/')),
  }
  return { groups, long: files.filter(isLong) }
}

/** All tests, as few processes as there may be: the paths of the groups, and of the other test files. */
export function inGroups() {
  const { groups } = needingNothing()
  const grouped = new Set(Object.values(groups).flat())
  const paths = Object.entries(groups).map((group) => groupTests(...group))
  return [...paths, ...allTests().filter((path) => !grouped.has(path))]
}

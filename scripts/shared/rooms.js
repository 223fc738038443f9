// Which test files need what.
import { readdirSync } from 'node:fs'
import { ROOT } from './run.js'

/**
 * Test files that start servers, threads, browsers or examples, run snippets, pack, or fill millions of keys.
 */
const SLOW =
  /^test\/(?:store\/(?:redis|shared)|plugin\/redis|docs|examples|package|fixtures|types)\/|^test\/(?:docs|package|readme)\.|\/flood\./

/** Test files that need nothing but this process, in two groups that take about as long as each other. */
export function quickGroups() {
  const files = readdirSync(`${ROOT}test`, { recursive: true })
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.ts') && !SLOW.test(path))
    .sort()
  return {
    plugin: files.filter((path) => path.startsWith('test/plugin/')),
    others: files.filter((path) => !path.startsWith('test/plugin/')),
  }
}

// Checks the types of everything here: the sources and their tests, and the programs of test/types, whose
// declarations must not meet.
import { run, TSC } from './shared/run.js'

const PROJECTS = ['.', 'test/types', 'test/types/augmented', 'test/types/redis-augmented']

let failed = 0
for (const project of PROJECTS) {
  const { ok } = await run(process.execPath, [TSC, '--noEmit', '-p', project])
  if (!ok) failed++
}
process.exit(failed === 0 ? 0 : 1)

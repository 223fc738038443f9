// Checks all types: the sources and their tests, the script of the console's page, and each program of
// test/types by itself, because their declarations would conflict.
import { run, TSC } from './shared/run.js'

const PROJECTS = [
  '.',
  'tsconfig.page.json',
  'test/types',
  'test/types/augmented',
  'test/types/redis-augmented',
]

let failed = 0
for (const project of PROJECTS) {
  const { ok } = await run(process.execPath, [TSC, '--noEmit', '-p', project])
  if (!ok) failed++
}
process.exit(failed === 0 ? 0 : 1)

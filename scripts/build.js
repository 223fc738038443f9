// Compiles lib/ and types/ into dist/, from nothing.
import { rmSync } from 'node:fs'
import { ROOT, run, TSC } from './shared/run.js'

rmSync(`${ROOT}dist`, { recursive: true, force: true })
const { ok } = await run(process.execPath, [TSC, '-p', 'tsconfig.build.json'])
process.exit(ok ? 0 : 1)

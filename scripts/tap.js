// Runs test files with tap, all of them or those named: `node scripts/tap.js test/http/*.test.ts`.
import { runTap } from './shared/run.js'

const { ok } = await runTap(['--disable-coverage', ...process.argv.slice(2)])
process.exit(ok ? 0 : 1)

// Every question, one after the other: `npm run bench`. Redis and threads have commands of their own.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { BENCH } from './lib/build.js'

const SCRIPTS = ['decide', 'memory', 'http', 'flood', 'scale']

const start = process.hrtime.bigint()
for (const script of SCRIPTS) {
  const { status } = spawnSync(process.execPath, [join(BENCH, `${script}.js`), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}
console.log(`All in ${Math.round(Number(process.hrtime.bigint() - start) / 1e9)} s.`)

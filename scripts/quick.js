// The quick tests (`npm run test:quick`): lint, types, and the tests that need no server, no thread and no
// browser.

import { needingNothing } from './shared/rooms.js'
import { GROUP_OPTIONS, groupTests, run, runTap } from './shared/run.js'

const quiet = true
const npm = (script) => () => run('npm', ['run', '--silent', script], { quiet })
const group = (name, files) => () => runTap([...GROUP_OPTIONS, groupTests(name, files)], { quiet })

/** The longest come first. */
const checks = [
  ...Object.entries(needingNothing().groups).map(([name, files]) => [`tests: ${name}`, group(name, files)]),
  ['types', npm('typecheck')],
  ['lint', npm('lint')],
]

let failed = 0
async function work() {
  for (let next = checks.shift(); next !== undefined; next = checks.shift()) {
    const [name, check] = next
    const { ok, output } = await check()
    if (!ok) {
      failed++
      console.error(output)
    }
    console.log(`${ok ? 'ok' : 'NOT OK'}  ${name}`)
  }
}
const start = performance.now()
await Promise.all([work(), work()])
console.log(
  `${failed === 0 ? 'passed' : `${failed} failed`} in ${Math.round((performance.now() - start) / 1000)} s`,
)
process.exit(failed === 0 ? 0 : 1)

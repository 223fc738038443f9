import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { limitsCommand } from '../../../lib/limits/cli/limits-command.js'
import { versionOf } from '../../../lib/limits/live.js'
import { run as runIn } from '../../replay/cli/support.js'

const run = (args: readonly string[]) => runIn(args, { commands: [limitsCommand] })

/** The paths of files with these contents. */
function files(t: Test, ...contents: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'floodgate-check-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return contents.map((content, i) => {
    const path = join(folder, `${i}.json`)
    writeFileSync(path, content)
    return path
  })
}

test('limits check says what sound files hold', async (t) => {
  const text = '{ "limiters": { "login": { "rate": 5 } }, "overrides": [] }'
  const [path] = files(t, text)
  t.same(await run(['limits', 'check', path]), {
    code: 0,
    stdout: `${path}: sound; limiters: 1, overrides: 0, version ${versionOf(text)}\n`,
    stderr: '',
  })
})

test('limits check names the file, the path in it and the nearest known name, and fails', async (t) => {
  const [good, typo, broken] = files(
    t,
    '{}',
    '{ "limiters": { "login": { "rats": 5 } } }',
    '{\n "limiters": {]',
  )
  const { code, stdout, stderr } = await run(['limits', 'check', typo, good, broken, `${good}.none`])
  t.equal(code, 1)
  t.match(stdout, `${good}: sound`)
  t.same(
    stderr.split('\n').map((line) => line.split('; allowed')[0]),
    [
      `${typo}: unknown option 'limiters.login.rats'; did you mean 'rate'?`,
      `${broken}: the limits are not JSON: line 2, column 15`,
      `${good}.none cannot be read: it does not exist`,
      '',
    ],
  )
})

test('limits explains itself', async (t) => {
  t.match(await run(['limits', '--help']), { code: 0, stdout: /Usage: fastify-floodgate limits <verb>/ })
  t.match(await run(['limits', 'push', '-h']), { code: 0, stdout: /--comment/ })
  t.match(await run(['limits', 'show']), { code: 2, stdout: '', stderr: /which Redis\? Say --redis/ })
  for (const args of [[], ['check'], ['chek', 'limits.json']])
    t.match(await run(['limits', ...args]), {
      code: 2,
      stdout: '',
      stderr: /^fastify-floodgate limits: .*--help shows examples\n$/,
    })
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import { Child } from './child.js'

const SERVER = 'examples/api-server/server.ts'

test('a wrong setting prints one line that names it, and exits with code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const taken = String((other.address() as AddressInfo).port)

  const cases: [env: Record<string, string>, line: RegExp][] = [
    [
      { HANDOFFKIT_API_BURST: 'abc' },
      /HANDOFFKIT_API_BURST is 'abc'; allowed: a positive integer, at most 2147483647$/,
    ],
    [
      { HANDOFFKIT_API_RATE_LIMIT_PER_MIN: '0' },
      /HANDOFFKIT_API_RATE_LIMIT_PER_MIN is '0'; allowed: a positive/,
    ],
    [{ PORT: 'http' }, /PORT is "http"; allowed: an integer from 0 to 65535$/],
    [{ PORT: '65536' }, /PORT is "65536"; allowed/],
    [{ PORT: taken }, new RegExp(`address already in use 127\\.0\\.0\\.1:${taken}$`)],
    [{ API_KEYS: 'one,,two' }, /API_KEYS has an empty key; allowed: keys separated by commas$/],
  ]
  for (const [env, line] of cases) await refused(t, env, line)
})

test('the error for a wrong value in the environment names its variable', async (t) => {
  await refused(t, { HANDOFFKIT_API_BURST: '9999999999' }, /HANDOFFKIT_API_BURST is '?9999999999/)
  await refused(t, { HANDOFFKIT_API_RATE_LIMIT_PER_MIN: '60000001' }, /RATE_LIMIT_PER_MIN is '?60000001/)
  await refused(
    t,
    { HANDOFFKIT_API_BURST: 'a\nb' },
    /HANDOFFKIT_API_BURST is .*; allowed: a positive integer, at most 2147483647$/,
  )
})

async function refused(t: Test, env: Record<string, string>, line: RegExp) {
  const child = new Child(SERVER, { PORT: '0', ...env })
  t.teardown(() => child.stop())
  t.same(await child.ended, { code: 1, signal: null }, JSON.stringify(env))
  t.equal(child.stdout, '')
  const lines = child.stderr.trimEnd().split('\n')
  t.equal(lines.length, 1, child.stderr)
  t.match(lines[0], line)
}

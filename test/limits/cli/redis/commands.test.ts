import { test } from 'tap'
import { versionOf } from '../../../../lib/limits/live.js'
import { startCluster } from '../../../fixtures/redis/cluster.js'
import { desk, rate, type Server, slow } from './support.js'

const CODE = versionOf('{}')

test('without a document, show prints an empty one, whose limits are those of the code', async (t) => {
  const { limits } = await desk(t)
  t.same(await limits('show'), {
    code: 0,
    stdout: '{}\n',
    stderr: `version ${CODE}, the limits of the code (the Redis key limits does not exist)\n`,
  })
  t.same(await limits('history'), { code: 0, stdout: `* ${CODE}  the limits of the code\n`, stderr: '' })
})

test('diff says what each option was and will be, and exits with 1 as diff does', async (t) => {
  const { limits, file, push } = await desk(t)
  await push({
    limiters: {
      default: { rate: 100, per: 'minute', block: { for: '1 minute' } },
      login: [{ rate: 5 }, { rate: 50, per: 'day' }],
      same: { rate: 1 },
      old: {},
    },
    overrides: [
      { limiter: 'default', key: 'acme', rate: 1000, until: '2999-01-01T00:00:00Z', comment: 'sale' },
      { limiter: 'default', key: 'probe', policy: false },
      { limiter: 'default', key: 'same', rate: 3 },
    ],
  })
  const after = {
    limiters: {
      default: { rate: 50, per: 'minute', block: { for: '2 minutes' }, burst: 5 },
      login: [{ rate: 5 }],
      same: { rate: 1 },
      fresh: { rate: 9 },
    },
    overrides: [
      { limiter: 'default', key: 'acme', rate: 2000 },
      { limiter: 'default', key: 'same', rate: 3 },
      { limiter: 'default', key: 'new\u0007\u009b', policy: false, comment: 'x' },
    ],
  }
  const path = file(after, 'after.json')
  const { code, stdout, stderr } = await limits('diff', path)
  t.equal(code, 1)
  t.same(stdout.split('\n'), [
    'limiter "default"',
    '  rate: 100 -> 50',
    '  block.for: "1 minute" -> "2 minutes"',
    '  burst: not set -> 5',
    'limiter "login"',
    '  [1].rate: 50 -> not set',
    '  [1].per: "day" -> not set',
    'limiter "old" (gone)',
    'override of "default" for "acme"',
    '  rate: 1000 -> 2000',
    '  until: "2999-01-01T00:00:00.000Z" -> not set',
    '  comment: "sale" -> not set',
    'override of "default" for "probe" (gone)',
    '  policy: false -> not set',
    'limiter "fresh" (new)',
    '  rate: not set -> 9',
    'override of "default" for "new\\u0007\\u{9b}" (new)',
    '  policy: not set -> false',
    '  comment: not set -> "x"',
    '',
  ])
  t.match(
    stderr,
    new RegExp(
      `^the Redis key limits: version \\w{12}; ${path}: version ${versionOf(JSON.stringify(after))}\n$`,
    ),
  )
  await limits('push', path, '--comment', 'why')
  t.match(await limits('diff', path), { code: 0, stdout: '', stderr: /no differences\n$/ })
})

test('push puts a whole file in force, and the history says when, who and why', async (t) => {
  const { server, limits, push, inForce } = await desk(t)
  const before = Date.now()
  const text = '{ "limiters": { "default": { "rate": 7 } } }\n'
  const version = versionOf(text)
  t.same(await push(text), {
    code: 0,
    stdout: `limiter "default" (new)\n  rate: not set -> 7\nversion ${version} is in the Redis key limits now; before, it was ${CODE}\n`,
    stderr: '',
  })
  t.equal(await inForce(), text)
  const shown = await limits('show')
  t.match(shown, { code: 0, stdout: text, stderr: new RegExp(`^version ${version}, \\S+  ops: why\n$`) })
  const when = Date.parse(shown.stderr.split(' ')[2])
  t.ok(when >= before - 1000 && when <= Date.now() + 1000, 'by the clock of the server')
  await push(rate(8), '--who', 'Ada\u001b[2J', '--comment', 'lower\nit')
  const { stdout } = await limits('history')
  t.match(stdout.split('\n'), [
    /^\* \w{12} {2}\S+Z {2}Ada\\u\{1b\}\[2J: lower\\u\{a\}it$/,
    new RegExp(`^  ${version}  \\S+Z  ops: why$`),
    `  ${CODE}  the limits of the code`,
    '',
  ])
  t.match(await limits('show', version), { stdout: text })
  t.match(await push(rate(8)), { code: 0, stdout: /is there already: nothing is changed/ })
  t.same(await server.command('TYPE', '{limits}:history'), 'list')
})

test('a file that is not sound changes nothing, and the error names the path in it', async (t) => {
  const { push, inForce, limits, file } = await desk(t)
  const { code, stderr } = await push({ limiters: { login: { rats: 5 } } })
  t.equal(code, 2)
  t.match(stderr, /limits\.json: unknown option 'limiters\.login\.rats'; did you mean 'rate'\?/)
  t.equal(await inForce(), null)
  t.match(await limits('diff', file('{]', 'bad.json')), {
    code: 2,
    stderr: /bad\.json: the limits are not JSON/,
  })
  t.match(await limits('push', 'none.json', '--comment', 'x'), { code: 2, stderr: /does not exist/ })
})

test('rollback goes to the version before, to a named one, and back', async (t) => {
  const { limits, push, inForce } = await desk(t)
  t.match(await limits('rollback'), { code: 2, stderr: /the history has no other version to roll back to/ })
  await push(rate(1))
  t.match(await limits('rollback'), { code: 0, stdout: /"default" \(gone\)\n {2}rate: 1 -> not set/ })
  t.equal(await inForce(), '{}', 'the limits of the code')
  t.match(await limits('rollback', '--comment', 'no, it was right'), { code: 0 })
  t.equal(await inForce(), JSON.stringify(rate(1)))
  await push(rate(2))
  await push(rate(3))
  const first = versionOf(JSON.stringify(rate(1)))
  t.match(await limits('rollback', first), { code: 0, stdout: /rate: 3 -> 1/ })
  t.equal(await inForce(), JSON.stringify(rate(1)))
  const { stdout } = await limits('history')
  t.match(stdout, new RegExp(`^\\* ${first} .*: rollback to ${first}\n`))
  t.match(stdout, /no, it was right/)
  t.match(await limits('rollback', 'abc'), { code: 2, stderr: /no version 'abc' is in the history/ })
})

test('what something else wrote is kept, too, and can be rolled back to', async (t) => {
  const { server, limits, push, inForce } = await desk(t)
  await push(rate(1))
  await server.command('SET', 'limits', JSON.stringify(rate(2)))
  t.match(await limits('show'), { stderr: /, not by this command\n$/ })
  t.match(await limits('history'), { stdout: /^\* \w+ {2}not by this command\n {2}\w+ .*ops: why\n/ })
  await push(rate(3))
  await limits('rollback')
  t.equal(await inForce(), JSON.stringify(rate(2)))
  await server.command('SET', 'limits', 'no limits')
  t.match(await limits('diff', 'package.json'), { code: 2 })
  t.match(await push(rate(4)), { code: 0, stdout: /^what was there is no document of limits\n/ })
  t.match(await limits('rollback'), {
    code: 2,
    stderr: /the Redis key limits, version \w+: the limits are not JSON/,
  })
})

test('the history has the last 20 versions', async (t) => {
  const { limits, push } = await desk(t)
  for (let i = 1; i <= 25; i++) await push(rate(i), '--comment', `number ${i}`)
  const lines = (await limits('history')).stdout.trim().split('\n')
  t.equal(lines.length, 20)
  t.match([lines[0], lines[19]], [/number 25$/, /number 6$/])
})

test('the history of large documents is read without their texts, but for the one that is needed', async (t) => {
  const { limits, push, server } = await desk(t)
  const text = (i: number) => `${JSON.stringify(rate(i))}${' '.repeat(1_000_000)}`
  const received = async () => {
    const info = String(await server.command('INFO', 'stats'))
    return Number(/total_net_output_bytes:(\d+)/.exec(info)?.[1])
  }
  for (let i = 1; i <= 20; i++) t.match(await push(text(i)), { code: 0 }, String(i))
  const before = await received()
  t.match(await limits('history'), { code: 0, stdout: /^(.+\n){20}$/ })
  t.match(await limits('rollback', versionOf(text(3))), { code: 0, stdout: /rate: 20 -> 3/ })
  t.ok((await received()) - before < 5_000_000, 'the current one twice, and one of the past')
})

test('what could be the end of an entry is a comment like any other', async (t) => {
  const { limits, push } = await desk(t)
  const comment = '","document":"{}"}\\'
  await push(rate(1), '--comment', comment)
  await push(rate(2))
  t.ok((await limits('history')).stdout.includes(comment))
  await limits('rollback')
  t.match(await limits('show'), { stdout: JSON.stringify(rate(1)) })
})

test('a version that leaves the history after the look is said', async (t) => {
  let server: Server | undefined
  const library = slow((script) =>
    script.includes('"version":"') ? server?.command('DEL', '{limits}:history') : undefined,
  )
  const { limits, push, ...rest } = await desk(t, { libraries: [library] })
  server = rest.server
  await push(rate(1))
  await push(rate(2))
  t.match(await limits('rollback'), { code: 2, stderr: /version \w{12} has just left the history/ })
})

test('a push that expects another version than the one in force is refused', async (t) => {
  const { push, inForce } = await desk(t)
  const one = JSON.stringify(rate(1))
  t.match(await push(one, '--expect', CODE), { code: 0 })
  t.match(await push(rate(2), '--expect', CODE), {
    code: 1,
    stderr: new RegExp(`^refused: version ${versionOf(one)} is in force, not ${CODE} \\(\\S+  ops: why\\)`),
  })
  t.equal(await inForce(), one)
  t.match(await push(rate(2), '--expect', versionOf(one)), { code: 0 })
  t.match(await push(rate(3), '--expect', CODE, '--force'), { code: 0 })
})

test('a push is refused where somebody writes between its look and its write, unless it is forced', async (t) => {
  let server: Server | undefined
  let others = 0
  const most = { writes: 1 }
  const library = slow((script) => {
    if (!script.includes("'SET'") || others >= most.writes) return undefined
    return server?.command('SET', 'limits', JSON.stringify(rate(100 + others++)))
  })
  const { push, inForce, limits, ...rest } = await desk(t, { libraries: [library] })
  server = rest.server
  t.match(await push(rate(1)), {
    code: 1,
    stderr: /^refused: somebody else wrote another version in between; /,
  })
  t.equal(await inForce(), JSON.stringify(rate(100)))
  others = 0
  t.match(await push(rate(1), '--force'), { code: 0 })
  t.equal(await inForce(), JSON.stringify(rate(1)))
  t.match(
    await limits('history'),
    { stdout: /^\* .*ops: why\n {2}\w+ {2}not by this command\n/ },
    'nothing is lost',
  )
  most.writes = 1000
  t.match(await push(rate(2), '--force'), { code: 2, stderr: /others keep writing to the Redis key limits/ })
})

test('the options name another server and another key; its history is in the slot of the key', async (t) => {
  const { limits, file, server } = await desk(t)
  const path = file(rate(5))
  const push = (key: string) => limits('push', path, '--comment', 'x', '--redis', server.url, '--key', key)
  t.match(await push('shop:limits'), { code: 0 })
  t.match(await push('{shop}:limits'), { code: 0 })
  t.same(((await server.command('KEYS', '*')) as string[]).sort(), [
    'shop:limits',
    '{shop:limits}:history',
    '{shop}:limits',
    '{shop}:limits:history',
  ])
  for (const key of ['', 'a}b', 'a{}b'])
    t.match(await push(key), { code: 2, stderr: /--key is the name of a key/ }, key)
})

test('keys of other types, and a history that is none, are said', async (t) => {
  const { limits, server } = await desk(t)
  await server.command('RPUSH', 'limits', '{}')
  t.match(await limits('show'), { code: 2, stderr: /the Redis key limits cannot be read: .*WRONGTYPE/ })
  await server.command('DEL', 'limits')
  await server.command('RPUSH', '{limits}:history', 'x')
  t.match(await limits('show'), {
    code: 2,
    stderr: /the Redis key \{limits\}:history holds no history of limits/,
  })
})

/** What docs/changing-limits.md says of the permissions. */
const LOOK = ['+eval', '+get', '+lrange']
const CHANGE = ['+set', '+lpush', '+ltrim', '+time']

test('a user needs the permissions of the docs; one who may only look writes nothing', async (t) => {
  const { limits, push, server } = await desk(t)
  await push(rate(1))
  const keys = ['on', '>secret', '~limits', '~{limits}:history']
  await server.command('ACL', 'SETUSER', 'eve', ...keys, ...LOOK)
  await server.command('ACL', 'SETUSER', 'ada', ...keys, ...LOOK, ...CHANGE)
  const as = (user: string) => ['--redis', server.url.replace('//', `//${user}:secret@`)]
  for (const verb of ['show', 'history']) t.match(await limits(verb, ...as('eve')), { code: 0 }, verb)
  const { code, stderr } = await push(rate(2), ...as('eve'))
  t.equal(code, 2)
  t.match(stderr, /the Redis key limits may not be written \('limits show' says it\): /)
  t.match(await limits('show'), { stdout: JSON.stringify(rate(1)) })
  t.match(await push(rate(2), ...as('ada')), { code: 0 })
  t.match(await limits('rollback', ...as('ada')), { code: 0 })
})

test('a Redis that is away, hangs or refuses the password is said, without the password', async (t) => {
  const { limits, server } = await desk(t, { server: { password: 'hush' } })
  const wrong = await limits('show', '--redis', server.url.replace('hush', 'wrong-one'))
  t.match(wrong, { code: 2, stderr: /the Redis key limits cannot be read: .*WRONGPASS/ })
  t.notMatch(wrong.stderr, 'wrong-one')
  server.pause()
  t.match(await limits('show'), { code: 2, stderr: /cannot be read: no answer within 5000 ms\n/ })
  server.resume()
  await server.kill()
  const away = await limits('show')
  t.match(away, { code: 2, stderr: /cannot be read: .*ECONNREFUSED/ })
  t.notMatch(away.stderr, 'hush')
})

test('one address of a Redis Cluster is enough', async (t) => {
  const cluster = await startCluster(t)
  const { limits, file } = await desk(t)
  const path = file(rate(1))
  for (const [i, { server }] of cluster.masters.entries()) {
    const key = cluster.keyOn((i + 1) % cluster.masters.length, 'limits')
    const args = ['--redis', server.url, '--key', key]
    t.match(await limits('push', path, '--comment', 'x', ...args), { code: 0 })
    t.match(await limits('rollback', ...args), { code: 0 })
    t.match(await limits('show', ...args), { code: 0, stdout: '{}\n' })
  }
})

test('wrong arguments are refused, with the cure', async (t) => {
  const { limits, push, file, env } = await desk(t)
  const path = file({})
  const said = async (...args: string[]) => (await limits(...args)).stderr
  t.match(await said('pusj'), /unknown 'pusj'; did you mean 'push'\?; --help/)
  t.match(await said(), /one of check, show, diff, push, history, rollback is missing/)
  t.match(await said('push'), /push takes the path of one file/)
  t.match(await said('history', 'x'), /history takes no arguments/)
  t.match(await said('show', '--force'), /show has no option --force/)
  t.match(await said('show', '--keys', 'x'), /unknown option --keys; did you mean 'key'\?/)
  t.match(await said('show', '--key'), /--key/)
  t.match(await said('push', path), /push needs a reason/)
  t.match(await said('push', path, '--comment', ' '), /push needs a reason/)
  t.match((await push({}, '--who', '')).stderr, /who is it\? .*--who NAME/)
  delete env.USER
  t.match((await push({})).stderr, /who is it\? .*--who NAME/)
  env.USER = 'ops'
  t.match((await push({}, '--who', 'x'.repeat(201))).stderr, /option '--who' .* 200 char/)
  t.match((await push({}, '--comment', 'x'.repeat(1001))).stderr, /option '--comment'/)
  for (const url of ['', 'localhost', 'http://localhost', 'redis:///0'])
    t.match(await said('show', '--redis', url), /address of Redis|which Redis\?/, url)
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { combined, gzipped, NOON } from '../support.js'
import { run } from './support.js'

const at = (second: number, ip = '192.0.2.1') => combined(NOON + second * 1000, ip)
const LOG = `${[at(0), at(0), at(0), at(1, '192.0.2.2')].join('\n')}\n`
/** The log of a Fastify application whose requests have no address. */
const APP = `${[{ req: { url: '/' } }, { res: {} }]
  .map((line) => JSON.stringify({ time: NOON, reqId: 'req-1', ...line }))
  .join('\n')}\n`

test('a policy is tried on the files that are named', async (t) => {
  const folder = t.testdir({ 'a.log': LOG, 'b.log': LOG })
  const files = ['a.log', 'b.log'].map((name) => join(folder, name))
  const { code, stdout, stderr } = await run(['replay', '--policy', 'rate=2 burst=2', ...files])
  t.match(stdout, /8 requests of 2 keys \(ip\)/)
  t.match(
    stdout,
    /2 per minute, burst 2\n {2}denied 4 of 8 requests, 50\.0 %\n {2}denied 1 key, 50\.0 % of all/,
  )
  t.same([code, stderr], [0, ''])
})

test('`-` is the standard input, and no policy means advice', async (t) => {
  const { code, stdout } = await run(['replay', '-'], { stdin: LOG })
  t.match(stdout, /^stream: combined, 4 lines\n4 requests/)
  t.match(stdout, 'Suggestion: spares 99 % of the keys')
  t.equal(code, 0)
})

test('every option reaches the replay', async (t) => {
  const line = { ts: NOON, who: '2001:db8:0:1::1', to: '/a', code: 200, took: 1, user: 'user-0001', units: 2 }
  const stdin = [
    line,
    { ...line, to: '/b' },
    { ...line, code: 500 },
    { ...line, ts: NOON + 5000 },
    { ...line, ts: NOON + 1000 },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n')
  const args = ['--format=json', '--time=ts', '--ip=who', '--route=to', '--status=code', '--status', '2xx']
  args.push(
    '--duration=took:s',
    '--where',
    'route!=/b',
    '--skew',
    '1 second',
    '--cost',
    'units',
    '--json',
    '--advise',
  )
  args.push('--rates', '1/minute, 5/15 minutes', '--policy', 'rate=3 burst=3')
  const json = async (...more: string[]) =>
    JSON.parse((await run(['replay', '-', ...args, ...more], { stdin })).stdout)
  const report = await json()
  t.match(report, { requests: 3, leftOut: 2, key: 'ip', from: '2026-03-01T11:59:59Z' })
  t.match(report.policies, [{ denied: { count: 2 }, hardest: [{ key: '2001:db8:0:1::/64' }] }])
  t.match(report.advice.rates, [
    { rate: 1, per: 'minute' },
    { rate: 5, per: '15 minutes' },
  ])
  t.match(await json('--ipv6-prefix', '48'), { policies: [{ hardest: [{ key: '2001:db8::/48' }] }] })
  t.match(await json('--key', 'user', '--cost', '1'), { key: 'user', policies: [{ hardest: [] }] })
  t.match(await json('--key', 'user'), { policies: [{ hardest: [{ key: /^user….{8}$/ }] }] })
  t.match(await json('--key', 'user', '--show-keys'), { policies: [{ hardest: [{ key: 'user-0001' }] }] })
})

test('`--skew` is a period, or a number of milliseconds', async (t) => {
  const stdin = `${[at(0), at(3), at(4), at(1), at(4)].join('\n')}\n`
  const outOfOrder = async (skew: string) =>
    JSON.parse((await run(['replay', '-', '--json', '--skew', skew], { stdin })).stdout).outOfOrder
  for (const skew of ['0', '1000', '1 second']) t.equal(await outOfOrder(skew), 1, skew)
  for (const skew of ['2000', '2s']) t.equal(await outOfOrder(skew), 0, skew)
})

test('the exit code is 1 where a policy denies more than `--fail-above`', async (t) => {
  const log = join(t.testdir({ log: LOG }), 'log')
  const policies = ['--policy', 'name=strict rate=1', '--policy', 'rate=10']
  const { code, stderr } = await run(['replay', log, ...policies, '--fail-above', '49.9%'])
  t.same([code, stderr], [1, 'failed: strict denies 2 of 4 requests, 50.0 %, more than 49.9%\n'])
  t.match(await run(['replay', log, ...policies, '--fail-above', '50%']), { code: 0, stderr: '' })
})

test('arguments that are not allowed exit with 2 and say what is', async (t) => {
  const folder = t.testdir({
    log: LOG,
    app: APP,
    cut: gzipped(LOG).subarray(0, 5),
    link: t.fixture('symlink', 'log'),
  })
  const [log, app, cut] = ['log', 'app', 'cut'].map((name) => join(folder, name))
  const cases: [string[], RegExp][] = [
    [['--polciy', 'rate=1', log], /unknown option --polciy; did you mean 'policy'\?; --help shows examples/],
    [['-x', log], /unknown option -x/],
    [['--policy'], /'--policy <value>' argument missing/],
    [[], /no file is named, nor - for the standard input/],
    [[log, '--fail-above', '1%'], /--fail-above needs a --policy/],
    [[log, '--policy', 'rate=1', '--fail-above', '0.1'], /'--fail-above' is '0\.1'; allowed: a share/],
    [[log, '--policy', 'rate=1', '--fail-above', '101%'], /'--fail-above' is '101%'/],
    [[log, '--policy', 'rate=1', '--policy', 'rate=x'], /'policies\[1\]\.rate' is 'x'/],
    [[log, '--policy', 'ratio=1'], /unknown option 'policies\[0\]\.ratio'; allowed: name, algorithm, rate/],
    [[log, '--cost', '1.5'], /cost is 1\.5; allowed: an integer/],
    [[log, '--skew', 'x'], /'skew' is 'x'; allowed: 'second'/],
    [[log, '--ipv6-prefix', 'x'], /'ipv6Prefix' is NaN/],
    [[log, '--html', `${log}/page.html`], /--html cannot be written: ENOTDIR/],
    [[app, log, '--html', log], /option '--html' is '.*'; allowed: a file that is none of the logs/],
    [[log, '--html', join(folder, 'link')], /option '--html' is '.*'; allowed: a file that is none/],
    [[`${log}.missing`], /log\.missing: no such file/],
    [[log, '--where', 'ip=1.2.3.4'], /log: no request to replay; 4 left out, 0 lines without a request\n/],
    [
      [cut],
      /cut: no request to replay; 0 left out, 0 lines without a request; .*cut ends in the middle of its/,
    ],
    [[app], /app: no request to replay; 0 left out, 2 lines without a request; where requests have no known/],
  ]
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await run(['replay', ...args])
    t.same([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, /^fastify-floodgate replay: .+\n$/)
    t.match(stderr, message)
  }
  t.equal(readFileSync(log, 'utf8'), LOG)
})

test('colours and a progress bar are for terminals only', async (t) => {
  const log = join(t.testdir({ log: LOG }), 'log')
  const args = ['replay', log, '--policy', 'rate=1']
  const terminal = { stdoutIsTTY: true, stderrIsTTY: true }
  const { stdout, stderr } = await run(args, terminal)
  t.match(stdout, '\u001b[31mdenied')
  t.equal(stderr, `\r[${'#'.repeat(30)}] 100 %  4 lines\u001b[K\r\u001b[K`)
  t.notMatch((await run(args, { ...terminal, env: { NO_COLOR: '1' } })).stdout, '\u001b')
  t.match(await run(['replay', '-'], { stdin: LOG, stderrIsTTY: true }), {
    stderr: '\r4 lines\u001b[K\r\u001b[K',
  })
})

test('a progress bar is drawn again when it has grown by a cell', async (t) => {
  const log = join(t.testdir({ log: LOG.repeat(10_000) }), 'log')
  const { stdout, stderr } = await run(['replay', log], { stderrIsTTY: true })
  const shares = [...stderr.matchAll(/(\d+) %/g)].map(([, share]) => Number(share))
  t.ok(shares.length > 20 && shares.every((share, i) => i === 0 || share > shares[i - 1]), `${shares}`)
  t.match(stderr, /\[#{6,}\.{10,}\] \d+ %/)
  t.match(stdout, /and [\d,]+ of 40,000 requests/, 'of a file, the suggestion is tried')
})

test('`--html` writes a page with advice, and the table comes as well', async (t) => {
  const folder = t.testdir({ log: LOG })
  const page = join(folder, 'page.html')
  const { code, stdout, stderr } = await run([
    'replay',
    join(folder, 'log'),
    '--policy',
    'rate=1',
    '--html',
    page,
  ])
  t.same([code, stderr], [0, ''])
  t.match(stdout, /denied 2 of 4 requests/)
  t.match(readFileSync(page, 'utf8'), /^<!doctype html>[\s\S]*<h2>Suggestion<\/h2>/)
})

test('a replay that fails leaves no page that was not there', async (t) => {
  const folder = t.testdir({ log: LOG, old: 'a page' })
  const log = join(folder, 'log')
  for (const [name, where] of Object.entries({ new: 'ip=1.2.3.4', old: 'ip=1.2.3.4', other: 'host=a' }))
    t.match(await run(['replay', log, '--where', where, '--html', join(folder, name)]), { code: 2 })
  t.same(readdirSync(folder).sort(), ['log', 'old'])
  t.equal(readFileSync(join(folder, 'old'), 'utf8'), 'a page')
})

test('help teaches by examples, and fits a terminal', async (t) => {
  for (const flag of ['--help', '-h']) {
    const { code, stdout } = await run(['replay', flag])
    t.equal(code, 0)
    t.match(stdout, "fastify-floodgate replay --policy 'rate=100 per=minute burst=20' access.log")
    for (const line of stdout.split('\n')) t.ok(line.length <= 80, line)
  }
})

test('each example of the help is understood', async (t) => {
  const { stdout } = await run(['replay', '--help'])
  const examples = stdout.replaceAll('\\\n', ' ').match(/^ {2}fastify-floodgate replay .*$/gm) ?? []
  t.ok(examples.length >= 8, `${examples.length} examples`)
  const folder = t.testdir({ log: LOG })
  for (const example of examples) {
    const words =
      example
        .replace(/ {3,}[a-z].*$/, '')
        .match(/'[^']*'|\S+/g)
        ?.slice(1) ?? []
    const args = words
      .map((word) => word.replaceAll("'", ''))
      .filter((word) => !/\.(?:log|gz|jsonl)\*?$/.test(word))
    const html = args.indexOf('report.html')
    if (html > 0) args[html] = join(folder, 'report.html')
    // The files of the examples are not here. That one is read shows that all else was understood.
    const { stderr } = await run([...args, join(folder, 'missing.log')])
    t.match(stderr, /missing\.log: no such file/, example)
  }
})

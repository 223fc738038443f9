import fc from 'fast-check'
import { test } from 'tap'
import { newEntry, REQUEST } from '../../../lib/replay/readers/line.js'
import { Selection } from '../../../lib/replay/readers/selection.js'
import { TextReader } from '../../../lib/replay/readers/text.js'
import { combined, NOON, replayLines } from '../support.js'

/** Any policy: each key of a report of denials needs one. */
const NONE = { policies: [{ rate: 0 }], showKeys: true }

/** The keys of a log, each with its requests. */
async function keysOf(lines: string[], options: Parameters<typeof replayLines>[1] = {}) {
  const { policies } = await replayLines(lines, { ...NONE, ...options })
  return Object.fromEntries(policies[0].hardest.map(({ key, requests }) => [key, requests]))
}

test('common and combined logs are told apart and read', async (t) => {
  const line = combined(NOON, '198.51.100.7')
  const common = line.split(' "-"')[0]
  for (const [format, text] of Object.entries({ combined: line, common })) {
    const { files, from, to, requests } = await replayLines([text, text])
    t.match(files, [{ file: 'stream', format, lines: 2, requests: 2, unreadableLines: 0 }])
    t.same([from, to, requests], ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z', 2])
  }
})

test('the zone of each line counts', async (t) => {
  const line = combined(NOON, '198.51.100.7')
  const { from, to } = await replayLines(
    [
      line.replace('12:00:00 +0000', '14:00:01 +0200'),
      line,
      line.replace('12:00:00 +0000', '06:30:02 -0530'),
    ],
    NONE,
  )
  t.same([from, to], ['2026-03-01T12:00:00Z', '2026-03-01T12:00:02Z'])
})

test('fractions of a second count', async (t) => {
  const line = combined(NOON, '198.51.100.7')
  const { from, to } = await replayLines([
    line.replace(':00 +', ':00.25 +'),
    line.replace(':00 +', ':00.123456789 +'),
  ])
  t.same([from, to], ['2026-03-01T12:00:00.123Z', '2026-03-01T12:00:00.250Z'])
})

test('addresses are counted as the plugin counts them: IPv6 by its network', async (t) => {
  const ips = [
    '2001:db8::1',
    '2001:db8::2',
    '2001:DB8:0:0:9::1',
    '2001:db8:0:1::1',
    '::ffff:192.0.2.1',
    '192.0.2.1',
  ]
  const lines = ips.map((ip) => combined(NOON, ip))
  t.same(await keysOf(lines), { '2001:db8::/64': 3, '2001:db8:0:1::/64': 1, '192.0.2.1': 2 })
  t.same(await keysOf(lines, { ipv6Prefix: 56 }), { '2001:db8::/56': 4, '192.0.2.1': 2 })
  t.same(await keysOf(lines, { key: 'global' }), { global: 6 })
})

test('many addresses of one network are one key', async (t) => {
  const lines = Array.from({ length: 12_000 }, (_, i) => combined(NOON, `2001:db8::${i.toString(16)}:1`))
  t.same(await keysOf(lines), { '2001:db8::/64': 12_000 })
})

test('any field of a line can be the key, and a request without it counts by its address', async (t) => {
  const get = (request: string, user = '-') => combined(NOON, '192.0.2.1', { request, user })
  const lines = [get('GET /a?b=1 HTTP/1.1', 'ann'), get('POST /a HTTP/1.1', 'ann b'), get('-')]
  t.same(await keysOf(lines, { key: 'user' }), { ann: 1, 'ann b': 1, '192.0.2.1 (no user)': 1 })
  t.same(await keysOf(lines, { key: 'method' }), { GET: 1, POST: 1, '-': 1 })
  t.same(await keysOf(lines, { key: 'url' }), { '/a?b=1': 1, '/a': 1, '192.0.2.1 (no url)': 1 })
  t.same(await keysOf(lines, { key: 'route' }), { '/a': 2, '192.0.2.1 (no route)': 1 })
  t.same(await keysOf(lines, { key: 'status' }), { 200: 3 })
  t.same(await keysOf(lines, { key: 'agent' }), { 'Mozilla/5.0 (X11)': 3 })
  t.same(await keysOf(lines, { key: 'referer' }), { '192.0.2.1 (no referer)': 3 })
  const common = lines.map((line) => line.split(' 512')[0])
  t.same(await keysOf(common, { key: 'agent' }), { '192.0.2.1 (no agent)': 3 })
})

test('a server before the address, as Apache writes for virtual hosts, is left out', async (t) => {
  const of = (client: string) => combined(NOON, client, { user: 'ann' })
  const lines = ['example.com:443 192.0.2.1', 'example.com:443 2001:db8::7', '[::1]:80 192.0.2.2'].map(of)
  t.same(await keysOf(lines), { '192.0.2.1': 1, '2001:db8::/64': 1, '192.0.2.2': 1 })
  t.same(await keysOf(lines, { key: 'user' }), { ann: 3 })
  t.match(await replayLines(lines), { files: [{ format: 'combined', unreadableLines: 0 }] })
})

test('a first word that is an address, or that no address follows, is the client', async (t) => {
  const lines = ['2001:db8::1', 'host.test:443', '192.0.2.1:8080'].map((client) => combined(NOON, client))
  lines.push(combined(NOON, '2001:db8::2').replace(' - - ', ' 192.0.2.2 - '))
  lines.push(combined(NOON, 'host.test:80').replace(' - - ', ' ident - '))
  t.same(await keysOf(lines), {
    '2001:db8::/64': 2,
    'host.test:443': 1,
    '192.0.2.1': 1,
    'host.test:80': 1,
  })
})

test('a field that no line has is none', (t) => {
  const selection = { key: 'ip', ipv6Prefix: 64, where: [], statuses: null, cost: 1 }
  const reader = new TextReader(new Selection(selection))
  const line = Buffer.from(combined(NOON, '192.0.2.1'))
  t.equal(reader.read(line, 0, line.length, newEntry()), REQUEST)
  t.same(
    ['agent', 'usr'].map((name) => reader.field(name)),
    ['Mozilla/5.0 (X11)', undefined],
  )
  t.end()
})

test('quotes, spaces and bytes of any kind in a request are part of it', async (t) => {
  const requests = [
    'GET /\\"a\\" HTTP/1.1',
    'GET /\\x22b HTTP/1.1',
    '\\x16\\x03\\x01',
    '',
    'GET /ä HTTP/1.1',
    'GET /c\\\\',
  ]
  const lines = requests.map((request) => combined(NOON, '192.0.2.1', { request, status: 400 }))
  t.same(await keysOf(lines, { key: 'url', status: '400' }), {
    '/\\"a\\"': 1,
    '/\\x22b': 1,
    '/ä': 1,
    '/c\\\\': 1,
    '192.0.2.1 (no url)': 2,
  })
})

test('`where` and `status` leave requests out', async (t) => {
  const of = (request: string, status: number) => combined(NOON, '192.0.2.1', { request, status })
  const lines = [
    of('POST /login HTTP/1.1', 401),
    of('POST /login?next=/ HTTP/1.1', 200),
    of('GET /login HTTP/1.1', 200),
    of('GET /api/a.b HTTP/1.1', 503),
  ]
  const count = async (options: Parameters<typeof replayLines>[1]) => {
    const { requests, leftOut } = await replayLines(lines, options)
    t.equal(requests + leftOut, 4)
    return requests
  }
  t.equal(await count({ where: 'route=/login' }), 3)
  t.equal(await count({ where: ['route=/login', 'method=POST'] }), 2)
  t.equal(await count({ where: 'method!=POST' }), 2)
  t.equal(await count({ where: 'route=/api/*' }), 1)
  t.equal(await count({ where: 'route=*a.b' }), 1)
  t.equal(await count({ where: 'route=/api/axb*' }), 0, 'a dot is a dot')
  t.equal(await count({ where: 'user=' }), 4, 'no value')
  t.equal(await count({ where: 'url=*=*' }), 1, 'a value may hold what separates')
  t.equal(await count({ where: ' method != POST ' }), 2, 'spaces')
  t.equal(await count({ status: '2xx' }), 2)
  t.equal(await count({ status: ' 401 , 503 ' }), 2)
  t.equal(await count({ status: ['401', '5XX,404'] }), 2)
})

test('lines that are none of the format are counted, and the first is shown', async (t) => {
  const good = combined(NOON, '192.0.2.1')
  const bad = [
    'not a log',
    good.slice(1 + good.indexOf(' ')).replace('- -', ''),
    good.slice(0, 30),
    good.slice(0, good.indexOf('] "') + 1),
    good.slice(0, good.indexOf('" 200')),
    good.slice(0, good.indexOf(' 512') - 1),
    good.replace('" 200', '"200'),
    good.replace('" 200', '" 2000'),
    good.replace('" 200', '" 2x0'),
    good.replace('/Mar/', '/Mai/'),
    good.replace('/Mar/', '-Mar-'),
    good.replace('12:00:00', '12-00-00'),
    good.replace('12:00:00', '25:00:00'),
    good.replace('12:00:00', '1x:00:00'),
    good.replace('+0000', '+00x0'),
    good.replace(' +0000]', '+00000]'),
    good.replace('+0000]', '+0000)'),
    good.replace('] "', ']  '),
    good.replace(':00 +', '.1234567890123456789012345678901234567890123456789012345678901234567890'),
    ` ${good}`,
  ]
  const lines = [good, ...bad, ...Array(bad.length).fill(good)]
  const { requests, unreadableLines, files } = await replayLines(lines)
  t.equal(requests, 1 + bad.length)
  t.equal(unreadableLines, bad.length)
  t.match(files[0].unreadable, { line: 2, reason: /not a line of the common/, text: 'not a log' })
})

test('blank lines are nothing', async (t) => {
  const good = combined(NOON, '192.0.2.1')
  t.match(await replayLines(['', good, '', '', '']), {
    requests: 1,
    unreadableLines: 0,
    files: [{ lines: 5 }],
  })
})

test('a line of megabytes is unreadable, and takes no memory', async (t) => {
  const good = combined(NOON, '192.0.2.1')
  const { requests, files } = await replayLines([good, `${good} ${'x'.repeat(3_000_000)}`, good])
  t.equal(requests, 2)
  t.match(files[0].unreadable, { line: 2, reason: 'longer than 262144 bytes' })
})

test('more than half unreadable is an error that names the file, the line and its text', async (t) => {
  const good = combined(NOON, '192.0.2.1')
  await t.rejects(replayLines([good, 'x', '\u001b[31m', good, 'z']), {
    code: 'FST_FLOODGATE_LOG',
    message: "stream:2: not a line of the common or the combined log format: 'x'; so are 3 of 5 lines",
  })
  t.match(await replayLines([good, 'x']), { requests: 1, unreadableLines: 1 }, 'half is none')
})

test('10,000 fuzzed lines: each is a request, or counted as unreadable', async (t) => {
  const length = combined(NOON, '192.0.2.1').length
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.stringMatching(/^[0-9 "[\]\\:/-]{0,5}$/),
  )
  const mutations = fc.sample(fc.tuple(fc.nat(length), fc.nat(6), texts), 10_000)
  const lines = mutations.flatMap(([at, cut, text], i) => {
    const good = combined(NOON + i * 600_000, '192.0.2.1')
    return [(good.slice(0, at) + text + good.slice(at + cut)).replace(/[\r\n]/g, ''), good]
  })
  const { files, requests, unreadableLines, leftOut, otherLines, outOfOrder } = await replayLines(lines)
  t.equal(files[0].lines, 20_000)
  t.equal(requests + unreadableLines, 20_000)
  t.ok(unreadableLines > 1000 && requests > 11_000, `${unreadableLines} unreadable`)
  t.ok(outOfOrder < 1000, `${outOfOrder} out of order`)
  t.same([leftOut, otherLines], [0, 0])
})

test('times agree with those of another reader, whatever the day', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 4e9 }), async (seconds) => {
      const { from } = await replayLines([combined(seconds * 1000, '192.0.2.1')])
      return from === new Date(seconds * 1000).toISOString().replace('.000', '')
    }),
  )
})

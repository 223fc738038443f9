import fc from 'fast-check'
import { test } from 'tap'
import { NOON, replayLines } from '../support.js'

const NONE = { policies: [{ rate: 0 }], showKeys: true }
const json = (...objects: object[]) => objects.map((object) => JSON.stringify(object))

async function keysOf(lines: string[], options: Parameters<typeof replayLines>[1] = {}) {
  const { policies } = await replayLines(lines, { ...NONE, ...options })
  return Object.fromEntries(policies[0].hardest.map(({ key, requests }) => [key, requests]))
}

test('the names that servers use for time, client, status and URL are known', async (t) => {
  const nginx = {
    time_iso8601: '2026-03-01T12:00:00+00:00',
    remote_addr: '192.0.2.1',
    status: '200',
    request_uri: '/a?b',
  }
  const caddy = {
    ts: 1_772_366_400.5,
    request: { remote_ip: '192.0.2.1', method: 'GET', uri: '/a' },
    status: 200,
  }
  const traefik = {
    time: '2026-03-01T12:00:00Z',
    ClientHost: '192.0.2.1',
    DownstreamStatus: 200,
    RequestPath: '/a',
  }
  for (const object of [nginx, caddy, traefik]) {
    const report = await replayLines(json(object), { where: 'route=/a', status: '200' })
    t.match(report, { files: [{ format: 'json' }], requests: 1, from: /^2026-03-01T12:00:00/ })
  }
})

test('fields are named by their paths, whole names first', async (t) => {
  const lines = json(
    { at: { ms: NOON }, who: { addr: '192.0.2.1', 'a.b': 'x' }, cost: 3, code: 500, to: '/y' },
    { at: { ms: NOON }, who: { addr: '192.0.2.1', a: { b: 'z' } }, code: 200, to: '/x' },
    { 'at.ms': NOON, 'who.addr': '192.0.2.2', code: 200, to: '/x' },
  )
  const paths = { format: 'json', time: 'at.ms', ip: 'who.addr', status: 'code', route: 'to' } as const
  t.same(await keysOf(lines, paths), { '192.0.2.1': 2, '192.0.2.2': 1 })
  t.same(await keysOf(lines, { ...paths, key: 'who.a.b' }), { x: 1, z: 1, '192.0.2.2 (no who.a.b)': 1 })
  t.same(await keysOf(lines, { ...paths, status: ['code', '2xx'], where: 'route=/x' }), {
    '192.0.2.1': 1,
    '192.0.2.2': 1,
  })
  const { policies } = await replayLines(lines, { ...paths, cost: 'cost', policies: [{ rate: 2 }] })
  t.equal(policies[0].denied.count, 1, 'a cost of 3')
})

test('numbers and booleans are keys, objects and empty texts are none', async (t) => {
  const lines = json(...[7, true, 'x', '', null, {}, [1]].map((id) => ({ time: NOON, ip: '192.0.2.1', id })))
  t.same(await keysOf(lines, { key: 'id' }), { 7: 1, true: 1, x: 1, '192.0.2.1 (no id)': 4 })
})

test('a path never leaves the line', async (t) => {
  const lines = json({ time: NOON, ip: '192.0.2.1', own: { toString: 'mine' } })
  t.same(await keysOf(lines, { key: 'constructor.name' }), { '192.0.2.1 (no constructor.name)': 1 })
  t.same(await keysOf(lines, { key: 'ip.length' }), { '192.0.2.1 (no ip.length)': 1 })
  t.same(await keysOf(lines, { key: 'own.toString' }), { mine: 1 })
})

test('a duration moves the arrival to before the line', async (t) => {
  const line = { time: NOON, ip: '192.0.2.1' }
  const from = async (took: unknown, duration: string) =>
    (await replayLines(json({ ...line, took }), { duration })).from
  t.equal(await from(1500, 'took'), '2026-03-01T11:59:58.500Z')
  t.equal(await from(1.5, 'took:s'), '2026-03-01T11:59:58.500Z')
  t.equal(await from('1500000', 'took:us'), '2026-03-01T11:59:58.500Z')
  t.equal(await from(1.5e9, 'took:ns'), '2026-03-01T11:59:58.500Z')
  t.equal(await from(-1, 'took'), '2026-03-01T12:00:00Z')
  t.equal(await from('soon', 'took'), '2026-03-01T12:00:00Z')
})

test('a log in order is in order, also where a request took longer than the skew', async (t) => {
  const short = [0, 3, 6, 9, 12, 15, 18, 21].map((second) => ({ time: NOON + second * 1000, took: 0 }))
  const requests = [...short, { time: NOON + 21_000, took: 20_000 }].map((one) => ({
    ...one,
    ip: '192.0.2.1',
  }))
  const options = { duration: 'took', policies: [{ algorithm: 'concurrency', limit: 1 }] } as const
  t.match(await replayLines(json(...requests), options), {
    outOfOrder: 0,
    policies: [{ denied: { count: 6 }, withoutDuration: 0 }],
  })
})

test('a line with a time and no client is no request; one without a time, or of another kind, is unreadable', async (t) => {
  const good = { time: NOON, ip: '192.0.2.1' }
  const report = await replayLines([
    ...json(good, good, good, good, { time: NOON, msg: 'started' }, { msg: 'no time' }),
    '[1]',
    '{"time":',
    'null',
  ])
  t.match(report, { requests: 4, otherLines: 1, unreadableLines: 4 })
  t.match(report.files[0].unreadable, { line: 6, reason: /^no time in: time, timestamp/ })
  t.match(await replayLines(json({ time: NOON, msg: 'x' }, good), { key: 'global' }), { requests: 2 })
  t.match(await replayLines(json({ time: NOON, user: 'x' }), { key: 'user' }), { requests: 1 })
})

test('a cost that is no integer of 0 or more is unreadable', async (t) => {
  const costs = [1, '2', 0, undefined, 1.5, -1, 'x', 1e300]
  const lines = json(...costs.map((cost) => ({ time: NOON, ip: '192.0.2.1', cost })))
  const { requests, unreadableLines, files } = await replayLines(lines, { cost: 'cost' })
  t.same([requests, unreadableLines], [4, 4])
  t.match(files[0].unreadable?.reason, /cost is not an integer/)
})

test('a JSON log whose fields nobody knows is an error that shows its fields', async (t) => {
  await t.rejects(replayLines(json({ level: 30, when: NOON, client: 'x' })), {
    code: 'FST_FLOODGATE_LOG',
    message:
      "stream:1: no line of the first 100 has a time and a client by a name that is known; name them with the options time, ip or key, or, for the log of a Fastify application, the format 'pino'. The first line has 'level', 'when', 'client'",
  })
})

test('a log of no known format is an error that shows its first line and the formats', async (t) => {
  await t.rejects(replayLines(['', 'hello', 'world']), {
    code: 'FST_FLOODGATE_LOG',
    message: "stream:1: no request in a format that is known: 'hello'; allowed: combined, common, pino, json",
  })
})

test('10,000 fuzzed lines of JSON: each is something, and the others keep their times', async (t) => {
  // Few lines an hour, as a wrong time is believed that is less than an hour ahead.
  const goodAt = (i: number) =>
    JSON.stringify({ time: NOON + i * 600_000, ip: '192.0.2.1', req: { a: [1, { b: null }] } })
  const mutations = fc.sample(
    fc.tuple(fc.nat(60), fc.nat(4), fc.string({ unit: 'binary', maxLength: 3 })),
    10_000,
  )
  const lines = mutations.flatMap(([at, cut, text], i) => {
    const good = goodAt(i)
    return [(good.slice(0, at) + text + good.slice(at + cut)).replace(/[\r\n]/g, '') || 'x', good, good]
  })
  const { requests, unreadableLines, otherLines, outOfOrder } = await replayLines(lines)
  t.equal(requests + unreadableLines + otherLines, 30_000)
  t.ok(unreadableLines > 1000, `${unreadableLines} unreadable`)
  t.ok(outOfOrder < 1000, `${outOfOrder} out of order`)
})

import { Writable } from 'node:stream'
import Fastify from 'fastify'
import { type Test, test } from 'tap'
import { MOST_JOINS } from '../../../lib/replay/readers/pino.js'
import { NOON, replayLines } from '../support.js'

const NONE = { policies: [{ rate: 0 }], showKeys: true }

/** A Fastify application whose log is kept, as it comes. */
function logging(t: Test) {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(...String(chunk).trimEnd().split('\n'))
      done()
    },
  })
  const app = Fastify({ logger: { stream } })
  t.teardown(() => app.close())
  app.get('/hello', async (request) => {
    request.log.info('working')
    return 'hello'
  })
  return { app, lines }
}

test('the log of a Fastify application is read: two lines a request', async (t) => {
  const { app, lines } = logging(t)
  app.log.info('starting')
  await app.inject({ url: '/hello?a=1', remoteAddress: '192.0.2.1' })
  await app.inject({ url: '/hello', remoteAddress: '192.0.2.2' })
  await app.inject({ url: '/nothing', remoteAddress: '192.0.2.2' })
  const report = await replayLines(lines, NONE)
  t.match(report, { files: [{ format: 'pino' }], requests: 3, unreadableLines: 0 })
  t.match(report.policies[0].hardest, [
    { key: '192.0.2.2', requests: 2 },
    { key: '192.0.2.1', requests: 1 },
  ])
  t.equal((await replayLines(lines, { status: '404' })).requests, 1)
  t.equal((await replayLines(lines, { where: ['route=/hello', 'method=GET'] })).requests, 2)
})

interface Line {
  readonly at?: number
  readonly id?: string
  readonly pid?: number
  readonly ip?: string
  readonly took?: number
}

const begin = ({ at = NOON, id = 'req-1', pid = 1, ip = '192.0.2.1' }: Line = {}) =>
  JSON.stringify({
    level: 30,
    time: at,
    pid,
    hostname: 'a',
    reqId: id,
    req: { method: 'GET', url: '/', remoteAddress: ip },
  })
const end = ({ at = NOON, id = 'req-1', pid = 1, took = 0 }: Line = {}) =>
  JSON.stringify({
    level: 30,
    time: at,
    pid,
    hostname: 'a',
    reqId: id,
    res: { statusCode: 200 },
    responseTime: took,
  })

test('the time of the first line counts, that of the second is the end', async (t) => {
  const lines = [begin(), begin({ at: NOON + 10, id: 'req-2' }), end({ at: NOON + 900, took: 900 })]
  lines.push(end({ at: NOON + 1000, id: 'req-2', took: 990 }), begin({ at: NOON + 1000, id: 'req-3' }))
  lines.push(end({ at: NOON + 1000, id: 'req-3' }))
  const policies = [1, 2, 3].map((limit) => ({ algorithm: 'concurrency', limit }) as const)
  const report = await replayLines(lines, { policies })
  t.same([report.from, report.to], ['2026-03-01T12:00:00Z', '2026-03-01T12:00:01Z'])
  t.same(
    report.policies.map(({ denied }) => denied.count),
    [1, 0, 0],
  )
  t.same(
    report.policies.map(({ withoutDuration }) => withoutDuration),
    [0, 0, 0],
  )
})

test('a log that begins with many messages needs its format', async (t) => {
  const message = JSON.stringify({ level: 30, time: NOON, pid: 1, hostname: 'a', msg: 'starting' })
  const lines = [...Array(150).fill(message), begin(), end()]
  await t.rejects(replayLines(lines), /no line of the first 100 has .* the format 'pino'/)
  t.match(await replayLines(lines, { format: 'pino' }), { requests: 1 })
})

test('the same reqId in two processes is two requests', async (t) => {
  const lines = [begin(), begin({ pid: 2, ip: '192.0.2.2' }), end({ pid: 2 }), end()]
  const { policies } = await replayLines(lines, NONE)
  t.same(policies[0].hardest.map(({ key }) => key).sort(), ['192.0.2.1', '192.0.2.2'])
})

test('a line without an address is no request, unless it has another key', async (t) => {
  const nobody = [begin({ ip: '' }), end()]
  const lines = [...nobody, begin(), end()]
  t.match(await replayLines(lines, NONE), { requests: 1, policies: [{ hardest: [{ key: '192.0.2.1' }] }] })
  t.match(await replayLines(lines, { ...NONE, key: 'global' }), { requests: 2 })
  const user = JSON.stringify({ ...JSON.parse(end()), user: 'ann' })
  t.match(await replayLines([nobody[0], user, ...nobody], { ...NONE, key: 'user' }), {
    requests: 1,
    policies: [{ hardest: [{ key: 'ann' }] }],
  })
  const proxied = JSON.stringify({ ...JSON.parse(end()), client: '192.0.2.7' })
  t.match(await replayLines([nobody[0], proxied], { ...NONE, ip: 'client' }), {
    policies: [{ hardest: [{ key: '192.0.2.7' }] }],
  })
})

test('a request without an address that never ends keeps back no other', async (t) => {
  const open = [begin({ ip: '' }), begin({ id: 'req-2' }), begin({ id: 'req-3', ip: '' })]
  t.match(await replayLines(open), { requests: 1 })
})

test('one line that has all is a request', async (t) => {
  const line = {
    time: NOON,
    reqId: 'req-1',
    req: { remoteAddress: '192.0.2.1' },
    res: { statusCode: 200 },
    responseTime: 250,
  }
  const report = await replayLines([
    JSON.stringify(line),
    JSON.stringify({ ...line, responseTime: undefined }),
  ])
  t.match(report, { requests: 2, from: '2026-03-01T11:59:59.750Z', to: '2026-03-01T12:00:00Z' })
})

test('a request that never ends counts by its arrival, in its place, without a status', async (t) => {
  const later = { at: NOON + 310_000, id: 'req-2' }
  const lines = [begin({ ip: '192.0.2.9' }), begin(later), end(later), end({ at: NOON + 320_000 })]
  const report = await replayLines(lines, NONE)
  t.match(report, { requests: 2, outOfOrder: 0, from: '2026-03-01T12:00:00Z' })
  t.equal((await replayLines(lines, { ...NONE, status: '200' })).requests, 1)
  t.equal((await replayLines(lines, { ...NONE, status: '200' })).leftOut, 1)
  const atEnd = await replayLines([begin(), begin({ id: 'req-2' })], {
    policies: [{ algorithm: 'concurrency', limit: 1 }],
  })
  t.match(atEnd, { requests: 2, policies: [{ denied: { count: 1 }, withoutDuration: 0 }] })
})

test('a request of up to 5 minutes has its status and its duration', async (t) => {
  const short = [70, 100, 299].map((second, i) => ({ at: NOON + second * 1000, id: `req-${i + 2}` }))
  const took = 299_000
  const lines = [
    begin(),
    ...short.flatMap((line) => [begin(line), end(line)]),
    end({ at: NOON + took, took }),
  ]
  const report = await replayLines(lines, {
    status: '200',
    policies: [{ algorithm: 'concurrency', limit: 1 }],
  })
  t.match(report, { requests: 4, leftOut: 0, otherLines: 4, outOfOrder: 0 })
  t.equal(report.policies[0].denied.count, 2)
})

test('a request without an end takes 60 seconds', async (t) => {
  const later = [59, 60, 500].map((second, i) => begin({ at: NOON + second * 1000, id: `req-${i + 2}` }))
  const { policies } = await replayLines([begin(), ...later], {
    policies: [{ algorithm: 'concurrency', limit: 1 }],
  })
  t.match(policies, [{ requests: 4, denied: { count: 1 } }])
})

test('requests without an end count in the order of their lines', async (t) => {
  const lines = Array.from({ length: 20 }, (_, i) => begin({ id: `req-${i}`, ip: `192.0.2.${i}` }))
  const { requests, policies } = await replayLines(lines, NONE)
  t.equal(requests, 20)
  t.match(policies[0].longestRun, { key: '192.0.2.0', denials: 1 }, 'of equal runs the first')
})

test('as many requests wait for their ends as memory has room for', async (t) => {
  const lines = Array.from({ length: MOST_JOINS + 1 }, (_, i) => ({ id: `req-${i}` }))
  const log = [...lines.map(begin), ...lines.map(end)]
  t.match(await replayLines(log, { status: '200' }), { requests: MOST_JOINS, leftOut: 1 })
})

test('a request that never ends is found by any line that comes later', async (t) => {
  const single = {
    ...JSON.parse(begin({ at: NOON + 310_000, id: 'req-2', ip: '192.0.2.9' })),
    res: { statusCode: 200 },
  }
  const report = await replayLines([begin(), JSON.stringify(single)], NONE)
  t.match(report, { requests: 2, outOfOrder: 0, from: '2026-03-01T12:00:00Z', to: '2026-03-01T12:05:10Z' })
})

test('a process that starts again counts from 1 again, and no request is lost', async (t) => {
  const again = { at: NOON + 1000 }
  t.equal((await replayLines([begin(), begin(again), end(again)])).requests, 2)
})

test('the end of a request that arrived before the log is none', async (t) => {
  t.match(await replayLines([end({ id: 'req-0' }), begin(), end()]), { requests: 1, otherLines: 2 })
})

test('a field of either line can be the key or the cost', async (t) => {
  const ended = { ...JSON.parse(end()), user: 'ann', units: 4 }
  const { policies } = await replayLines([begin(), JSON.stringify(ended)], {
    ...NONE,
    key: 'user',
    cost: 'units',
  })
  t.match(policies[0].hardest, [{ key: 'ann' }])
  const bad = JSON.stringify({ ...ended, units: 'x' })
  const good = [begin(), end(), begin(), end()]
  const report = await replayLines([...good, begin(), bad], { cost: 'units' })
  t.match(report, { requests: 2, unreadableLines: 1, files: [{ unreadable: { line: 6, reason: /cost/ } }] })
})

test('lines that are no JSON, or have no time, are unreadable', async (t) => {
  const timeless = JSON.stringify({ ...JSON.parse(begin()), time: 'x' })
  const report = await replayLines([begin(), end(), begin(), end(), 'Error: at x.js:1', timeless])
  t.match(report, {
    requests: 2,
    unreadableLines: 2,
    files: [{ unreadable: { line: 5, reason: 'not an object of JSON' } }],
  })
})

test('a log of other names is read by their paths', async (t) => {
  const renamed = JSON.stringify({ ...JSON.parse(begin()), time: undefined, ts: '2026-03-01T12:00:00Z' })
  const ended = JSON.stringify({ ...JSON.parse(end()), time: undefined, ts: '2026-03-01T12:00:01Z' })
  t.match(await replayLines([renamed, ended], { time: 'ts' }), { requests: 1, from: '2026-03-01T12:00:00Z' })
})

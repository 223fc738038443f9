// Limiters over Redis, on one private server: throughput, the server's CPU, latency, denials and memory.
import { load } from './lib/build.js'
import { bars } from './lib/chart.js'
import { Lane } from './lib/lanes.js'
import { ours, quick } from './lib/options.js'
import { commandsOf, cpuOf, startServer } from './lib/redis.js'
import { REDIS_CONTENDERS } from './lib/redis-contenders.js'
import { figure, publish, table, verdicts } from './lib/report.js'
import { interleave, median, quantile } from './lib/rounds.js'

const ROUNDS = quick ? 2 : 11
/** What V8 makes of each contender in the first second of its life is not what anybody runs. */
const WARM = quick ? 1 : 4
const DECISIONS = quick ? 3000 : 50_000
const CALLERS = 100
const CALLS = quick ? 200 : 1000
const HOT_KEYS = 10
const UNITS = 1000

const [{ build }, ...others] = ours()
const server = await startServer()
const contenders = [
  ...Object.keys(REDIS_CONTENDERS).map((name) => ({ title: name, name, build })),
  ...others.map(({ suffix, build }) => ({ title: `floodgate${suffix}`, name: 'floodgate', build })),
]
/** As they come: what a user has to know of, and to turn on, is shown, and no target. */
const PEERS = ['@fastify/rate-limit', 'rate-limiter-flexible']

async function withLanes(settings, use) {
  const lanes = []
  for (const { title, ...contender } of contenders)
    lanes.push(await Lane.open('redis', title, { ...contender, port: server.port, ...settings }))
  const result = await use(lanes)
  for (const lane of lanes) await lane.close()
  await server.client.flushall()
  return result
}

/** Decisions a second and the CPU time of both sides for each. Nobody else uses the server meanwhile. */
function throughput(settings) {
  return withLanes({ denied: false, ...settings }, async (lanes) => {
    const slice = async (lane) => {
      const before = await cpuOf(server.client)
      const { rate, cpu } = await lane.ask('slice', { decisions: DECISIONS, callers: CALLERS })
      return { rate, cpu, server: ((await cpuOf(server.client)) - before) / DECISIONS }
    }
    await interleave(lanes, WARM, slice)
    return interleave(lanes, ROUNDS, slice)
  })
}

function latency() {
  return withLanes({ denied: false, count: 10_000 }, async (lanes) => {
    const ask = (lane) => lane.ask('latencies', { calls: CALLS })
    await interleave(lanes, WARM, ask)
    return interleave(lanes, ROUNDS, ask)
  })
}

/** Commands for each denial of a key that is denied already. */
function denials() {
  return withLanes({ denied: true, count: 1 }, async (lanes) => {
    const found = new Map()
    for (const lane of lanes) {
      const before = await commandsOf(server.client)
      const { rate } = await lane.ask('slice', { decisions: DECISIONS, callers: CALLERS })
      const commands = ((await commandsOf(server.client)) - before) / DECISIONS
      found.set(lane.name, { rate, commands })
    }
    return found
  })
}

/** Bytes of a window in which 1,000 units are used, and of a sorted set with a member for each. */
async function bytes() {
  const { client } = server
  const { createLimiter } = await load(build)
  const { redisStore } = await load(build, 'redis.js')
  const store = redisStore({ client })
  const policy = { algorithm: 'sliding-window', rate: UNITS, per: 'hour' }
  const limiter = createLimiter({ name: 'bench', ...policy }, { store })
  for (let i = 0; i < UNITS; i++) await limiter.take('somebody')
  const members = Array.from({ length: UNITS }, (_, i) => {
    const micros = 1_800_000_000_000_000 + i * 977
    return [micros, `${micros}-${i}`]
  })
  await client.zadd('sorted', ...members.flat())
  const usage = (name) => client.call('MEMORY', 'USAGE', name, 'SAMPLES', '0')
  const result = { window: await usage(limiter.storeKey('somebody')), sorted: await usage('sorted') }
  await store.close()
  await client.flushall()
  return result
}

const medianOf = (slices, part) => median(slices.map((slice) => slice[part]))
const fastest = (answers) =>
  answers.get(
    PEERS.reduce((a, b) => (medianOf(answers.get(a), 'rate') > medianOf(answers.get(b), 'rate') ? a : b)),
  )
const ratio = (ours, theirs, part) => median(ours.map((slice, round) => slice[part] / theirs[round][part]))

const many = await throughput({ count: 10_000 })
const hot = await throughput({ count: HOT_KEYS })
const waits = await latency()
const denied = await denials()
const { window, sorted } = await bytes()

const rows = contenders.map(({ title: name }) => {
  const [all, few] = [many.get(name), hot.get(name)]
  const times = waits.get(name)
  return [
    name,
    figure(medianOf(all, 'rate')),
    figure(medianOf(all, 'server') / 1000),
    figure(medianOf(all, 'cpu') / 1000),
    figure(medianOf(few, 'rate')),
    figure(median(times.map((list) => median(list)))),
    figure(median(times.map((list) => quantile(list, 0.99)))),
    figure(denied.get(name).commands),
  ]
})
const own = many.get('floodgate')
const halfOf = (name) => median(waits.get(name).map((list) => median(list)))
const targets = [
  {
    what: "seconds for a decision, of the fastest peer's",
    limit: 0.5,
    measured: 1 / ratio(own, fastest(many), 'rate'),
    unit: ' x',
  },
  {
    what: "the server's CPU for a decision, of the fastest peer's",
    limit: 0.45,
    measured: ratio(own, fastest(many), 'server'),
    unit: ' x',
  },
  {
    what: "seconds for a decision about a hot key with leases, of the fastest peer's",
    limit: 0.125,
    measured: 1 / ratio(hot.get('floodgate, leases of 20'), fastest(hot), 'rate'),
    unit: ' x',
    digits: 3,
  },
  {
    what: "latency of single calls, of the peers' lowest",
    limit: 1,
    measured: halfOf('floodgate') / Math.min(...PEERS.map(halfOf)),
    unit: ' x',
  },
  {
    what: 'commands for a denial of a denied key',
    limit: 0,
    measured: denied.get('floodgate').commands,
    digits: 3,
  },
  { what: `bytes of a window of ${UNITS}`, limit: 8 * UNITS + 100, measured: window, digits: 0 },
]
const bar = contenders.map(({ title: contender }) => {
  const [rate, cpu] = [medianOf(many.get(contender), 'rate'), medianOf(many.get(contender), 'server') / 1000]
  return {
    group: '',
    contender,
    value: rate,
    label: `${figure(rate)}, ${figure(cpu)} µs of the server's CPU each`,
  }
})

await publish({
  name: 'redis',
  title: 'Over Redis',
  about: `One private ${server.version} on the same machine, ${server.isApart ? 'on a core of its own' : 'with no core of its own'}, ioredis, each contender in a process of its own, ${ROUNDS} interleaved rounds of ${DECISIONS.toLocaleString('en-US')} decisions by
${CALLERS} callers at once, each of whom waits for his answer; medians. Nobody is denied but in the flood of denials. CPU of the server is INFO's used_cpu_user + used_cpu_sys. A window of
${UNITS} units takes ${figure(Number(window))} bytes by MEMORY USAGE, a sorted set of as many members ${figure(Number(sorted))}. Auto-pipelining is an option of ioredis, inMemoryBlockOnConsumed one of
rate-limiter-flexible; targets are against peers as they come.`,
  packages: ['ioredis', ...PEERS],
  sections: [
    table(
      [
        'contender',
        'decisions/s, 10,000 keys',
        "server's CPU µs",
        'own CPU µs',
        `decisions/s, ${HOT_KEYS} hot keys`,
        'single call, median µs',
        'p99 µs',
        'commands for a denial',
      ],
      rows,
    ),
    verdicts(targets),
  ],
  chart: await bars({ title: 'Decisions a second over Redis, 10,000 keys', unit: 'decisions/s', rows: bar }),
})
await server.stop()

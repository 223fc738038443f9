// What a limiter adds to a request of Fastify.
import { spawnSync } from 'node:child_process'
import { bars } from './lib/chart.js'
import { Lane } from './lib/lanes.js'
import { only, ours, quick } from './lib/options.js'
import { figure, publish, table, verdicts } from './lib/report.js'
import { interleave, median } from './lib/rounds.js'

const LAUNCHES = quick ? 1 : 3
const ROUNDS = quick ? 4 : 9
const WARM = 3
const CHUNKS = quick ? 60 : 120
const PEER = '@fastify/rate-limit'

const builds = ours()

/** Processes differ a little, as their memory is laid out: each contender is launched several times. */
async function launch(by) {
  const contenders = [
    { title: 'bare Fastify', name: 'bare', outcome: 'allowed' },
    { title: 'a hook that sends the headers', name: 'headers', outcome: 'allowed' },
    ...['allowed', 'denied'].flatMap((outcome) => [
      ...builds.map(({ suffix, build }) => ({
        title: `floodgate${suffix}, ${outcome}`,
        name: 'floodgate',
        build,
        outcome,
      })),
      { title: `${PEER}, ${outcome}`, name: PEER, outcome },
    ]),
    // Of this code only: an older one may not know the algorithm.
    {
      title: 'floodgate, in progress',
      name: 'floodgate',
      build: builds[0].build,
      outcome: 'allowed',
      inProgress: true,
    },
    ...['others', 'clients'].map((whose) => ({
      title: `floodgate, overrides of ${whose}`,
      name: 'overrides',
      build: builds[0].build,
      outcome: 'allowed',
      first: whose === 'others' ? 10_000 : 0,
    })),
  ]
  const lanes = []
  for (const { title, ...settings } of contenders)
    lanes.push(await Lane.open('http', title, { ...settings, by }))
  const slice = (lane) => lane.ask('slice', { chunks: CHUNKS })
  await interleave(lanes, WARM, slice)
  const answers = await interleave(lanes, ROUNDS, slice)
  for (const lane of lanes) await lane.close()
  return answers
}

/** The answers of all launches, one list a contender. */
async function measure(by) {
  const all = new Map()
  for (let i = 0; i < LAUNCHES; i++) {
    for (const [title, slices] of await launch(by)) all.set(title, [...(all.get(title) ?? []), ...slices])
  }
  return all
}

/**
 * Ratios of the medians, not medians of ratios: a difference of two noisy numbers makes a poor denominator.
 */
function targetsOf(by, title, cpu) {
  const bare = cpu.get('bare Fastify')
  const added = (name) => cpu.get(name) - bare
  const [own, peer] = [`${title}, `, `${PEER}, `]
  const what = (text) => `${text}, key: ${by}${title === 'floodgate' ? '' : ` (${title})`}`
  return [
    {
      what: what("added to an allowed request, of what the peer's adds"),
      limit: 0.5,
      measured: added(`${own}allowed`) / added(`${peer}allowed`),
      unit: ' x',
    },
    {
      what: what('a denied request, whole, of an allowed one'),
      limit: 1,
      measured: cpu.get(`${own}denied`) / cpu.get(`${own}allowed`),
      unit: ' x',
    },
    {
      what: what('added by a limit of requests in progress, of what a token bucket adds'),
      limit: 2,
      measured: added(`${own}in progress`) / added(`${own}allowed`),
      unit: ' x',
    },
    {
      what: what('an allowed request, whole, with 10,000 overrides of other keys, of one without'),
      limit: 1.05,
      measured: cpu.get(`${own}overrides of others`) / cpu.get(`${own}allowed`),
      unit: ' x',
    },
    {
      what: what("a denied request, whole, of the peer's"),
      limit: 0.5,
      measured: cpu.get(`${own}denied`) / cpu.get(`${peer}denied`),
      unit: ' x',
    },
  ]
}

/** Instructions would be steadier than time, where the machine lets them be counted. */
function countsInstructions() {
  const { status, stderr } = spawnSync('perf', ['stat', '-x,', '-e', 'instructions:u', 'true'], {
    encoding: 'utf8',
  })
  return status === 0 && /^\d+,/m.test(stderr)
}

const rows = []
const bar = []
const targets = []
for (const by of ['header', 'ip']) {
  if (!by.includes(only)) continue
  const answers = await measure(by)
  const cpu = new Map(
    [...answers].map(([title, slices]) => [title, median(slices.map((slice) => slice.cpu))]),
  )
  const bare = cpu.get('bare Fastify')
  for (const [title, slices] of answers) {
    const wall = median(slices.map((slice) => slice.wall))
    const added = title.startsWith('bare') ? '' : figure(cpu.get(title) - bare)
    rows.push([`key: ${by}`, title, figure(cpu.get(title)), figure(wall), added])
    bar.push({ group: `key: ${by}`, contender: title, value: cpu.get(title), label: figure(cpu.get(title)) })
  }
  for (const { suffix } of builds)
    targets.push(
      ...targetsOf(by, `floodgate${suffix}`, cpu).filter(({ measured }) => !Number.isNaN(measured)),
    )
}

publish({
  name: 'http',
  title: 'What a limiter adds to a request',
  about: `A GET of Fastify, answered with five bytes, dispatched in the process: real IncomingMessage and ServerResponse objects are handed to \`app.routing\`, as Node's server does, on
a socket that swallows what is written. A network, even a Unix socket, would add ten times what is to be measured, and its noise. 10,000 clients at random, by API key in
a header (a new string each time) or by IP; the same three X-RateLimit headers. No logger. Each contender in processes of its own, ${LAUNCHES} launches of ${ROUNDS} interleaved rounds of
${CHUNKS * 128} requests; medians of CPU time (user and system, all threads). ${countsInstructions() ? '' : 'Instructions cannot be counted on this machine (`perf stat` says not supported).'}`,
  packages: ['fastify', PEER],
  sections: [table(['case', 'contender', 'CPU ns', 'wall ns', 'added, CPU ns'], rows), verdicts(targets)],
  chart: await bars({ title: 'A request, CPU time', unit: 'ns', rows: bar }),
})

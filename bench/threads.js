// One limit in all threads of a process: what the sharing costs, and what a second thread adds.
import { bars } from './lib/chart.js'
import { NAMES, SHARED } from './lib/contenders.js'
import { Lane } from './lib/lanes.js'
import { ours, quick } from './lib/options.js'
import { figure, publish, table, verdicts } from './lib/report.js'
import { interleave, median, medianRatio } from './lib/rounds.js'

const ROUNDS = quick ? 3 : 15
const COUNT = 10_000
const CHUNKS = 96
const DECISIONS = quick ? 50_000 : 200_000
/** Messages between processes are slow. */
const MESSAGES = quick ? 1000 : 5000
const PEER = 'rate-limiter-flexible, cluster'
/** So that threads can put their keys away before they are timed. */
const OWN_GC = ['--expose-gc']
/** What two threads can gain on this machine if they share nothing. */
const APART = 'a memory store in each thread'

const [{ build }] = ours()

/** CPU ns of a decision where nobody else is, in the memory of a thread and in shared memory. */
async function alone(outcome) {
  const lanes = []
  for (const [name, title] of Object.entries({ ...NAMES, ...SHARED })) {
    const fill = name.endsWith('window') ? { fill: outcome === 'denied' ? 100 : 40 } : {}
    lanes.push(
      await Lane.open('decide', title, { name, build, outcome, count: COUNT, maxKeys: 2 * COUNT, ...fill }),
    )
  }
  const slice = (lane) => lane.ask('slice', { chunks: CHUNKS })
  await interleave(lanes, 3, slice)
  const answers = await interleave(lanes, ROUNDS, slice)
  for (const lane of lanes) await lane.close()
  return new Map([...answers].map(([title, slices]) => [title, slices.map(({ cpu }) => cpu)]))
}

/** Decisions a second of one thread and of two, and of one worker process and of two. */
async function together() {
  const lanes = []
  for (const threads of [1, 2]) {
    const workers = threads === 1 ? '1 worker' : '2 workers'
    const settings = { build, threads, count: COUNT }
    const open = (title, name) => Lane.open('threads', `${title}, ${workers}`, { ...settings, name }, OWN_GC)
    lanes.push(await open('floodgate', 'shared bucket'))
    lanes.push(await open(APART, 'bucket'))
    lanes.push(await Lane.open('cluster', `${PEER}, ${workers}`, settings))
  }
  const slice = (lane) => lane.ask('slice', { decisions: lane.name.startsWith(PEER) ? MESSAGES : DECISIONS })
  await interleave(lanes, 2, slice)
  const answers = await interleave(lanes, ROUNDS, slice)
  for (const lane of lanes) await lane.close()
  return new Map([...answers].map(([title, slices]) => [title, slices.map(({ rate }) => rate)]))
}

const rows = []
const targets = []
for (const outcome of ['allowed', 'denied']) {
  const times = await alone(outcome)
  for (const law of Object.keys(NAMES)) {
    const [own, shared] = [times.get(NAMES[law]), times.get(SHARED[`shared ${law}`])]
    const measured = medianRatio(shared, own)
    rows.push([
      `${NAMES[law]}, ${outcome}`,
      figure(median(own)),
      figure(median(shared)),
      `${figure(measured)} x`,
    ])
    targets.push({
      what: `an uncontended decision, of the memory store's: ${law}, ${outcome}`,
      limit: 1.3,
      measured,
      unit: ' x',
    })
  }
}
const rates = await together()
const total = (title) => median(rates.get(title))
const single = rates.get('floodgate, 1 worker')
const gain = medianRatio(rates.get('floodgate, 2 workers'), single)
const most = medianRatio(rates.get(`${APART}, 2 workers`), rates.get(`${APART}, 1 worker`))
targets.push({
  what: 'time for a decision of two threads on distinct keys, of that of one (1 / 1.25)',
  limit: 0.8,
  measured: 1 / gain,
  unit: ' x',
  digits: 3,
})
const names = [...rates.keys()].sort()

await publish({
  name: 'threads',
  title: 'One limit in several threads',
  about: `The shared store beside the memory store, ${COUNT.toLocaleString('en-US')} keys, each contender in a process of its own, interleaved rounds, CPU time; then decisions a second of one worker
and of two, token bucket, each worker with keys of its own, over one state: worker threads of floodgate, and worker processes of rate-limiter-flexible, whose primary process counts, with
100 callers at once in each worker. Two threads make ${figure(gain)} times as many decisions as one (${figure(most)} times where each has a memory store of its own and
shares nothing: that is what the machine gives), and ${figure(total('floodgate, 2 workers') / total(`${PEER}, 2 workers`))} times as many as two workers of
rate-limiter-flexible.`,
  packages: ['rate-limiter-flexible'],
  sections: [
    table(['decision, nobody else there', 'memory store, CPU ns', 'shared store, CPU ns', 'ratio'], rows),
    table(
      ['contender', 'decisions/s'],
      names.map((name) => [name, figure(total(name))]),
    ),
    verdicts(targets),
  ],
  chart: await bars({
    title: 'Decisions a second of all workers together',
    unit: 'decisions/s',
    rows: names.map((contender) => ({
      group: '',
      contender,
      value: total(contender),
      label: figure(total(contender)),
    })),
  }),
})

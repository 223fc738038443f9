// How the time of a decision grows with the number of keys.
import { lines } from './lib/chart.js'
import { NAMES, PEERS } from './lib/contenders.js'
import { Lane } from './lib/lanes.js'
import { alone, ours, quick } from './lib/options.js'
import { figure, publish, table, verdicts } from './lib/report.js'
import { interleave, median } from './lib/rounds.js'

const ROUNDS = quick ? 3 : 7
const WARM = 3
const CHUNKS = 96
const COUNTS = quick ? [1e3, 1e5] : [1e3, 1e4, 1e5, 1e6, 1e7]
/** Beyond this peers would take gigabytes. */
const MOST_FOR_PEERS = 1e6

const builds = ours()
const contenders = [
  ...builds.map(({ suffix, build }) => ({ title: NAMES.bucket + suffix, name: 'bucket', build })),
  ...(alone ? [] : Object.keys(PEERS).map((name) => ({ title: name, name }))),
]

/** One contender at a time, but at all its sizes at once: it is the growth that is asked for. */
async function measure({ title, name, build }) {
  const counts = COUNTS.filter((count) => build !== undefined || count <= MOST_FOR_PEERS)
  const lanes = []
  for (const count of counts) {
    const settings = { name, build, count, outcome: 'allowed', maxKeys: Math.max(1000, count) }
    lanes.push(await Lane.open('decide', `${title}, ${count}`, settings))
  }
  const slice = (lane) => lane.ask('slice', { chunks: CHUNKS })
  await interleave(lanes, WARM, slice)
  const answers = await interleave(lanes, ROUNDS, slice)
  for (const lane of lanes) await lane.close()
  return lanes.map((lane) => answers.get(lane.name).map(({ cpu }) => cpu))
}

const rows = []
const points = []
const targets = []
for (const contender of contenders) {
  const sizes = await measure(contender)
  const growth = sizes.at(-1).map((ns, round) => ns / sizes[0][round])
  const cells = COUNTS.map((_, i) => (i < sizes.length ? figure(median(sizes[i])) : '-'))
  rows.push([contender.title, ...cells, `${figure(median(growth))} x`])
  sizes.forEach((size, i) => {
    points.push({ x: COUNTS[i], contender: contender.title, value: median(size) })
  })
  if (contender.build === undefined) continue
  const what = `${contender.title}, from ${COUNTS[0].toLocaleString('en-US')} to ${COUNTS.at(-1).toLocaleString('en-US')} keys`
  targets.push({ what, limit: 8, measured: median(growth), unit: ' x' })
}

publish({
  name: 'scale',
  title: 'From a thousand keys to ten million',
  about: `CPU time of one allowed decision in ns, as in [decide](decide.md), by the number of keys that are tracked and asked about at random. Peers go up to
${MOST_FOR_PEERS.toLocaleString('en-US')} keys. The growth is the median of ${ROUNDS} rounds' ratios, from the least to the most keys of the line.`,
  packages: Object.keys(PEERS),
  sections: [
    table(['contender', ...COUNTS.map((count) => `${count.toLocaleString('en-US')} keys`), 'growth'], rows),
    verdicts(targets),
  ],
  chart: await lines({
    title: 'One decision by number of keys, CPU time',
    xTitle: 'keys',
    unit: 'ns',
    rows: points,
  }),
})

// Bytes of memory for each key that is tracked, a million of them.
import { bars } from './lib/chart.js'
import { NAMES, PEERS } from './lib/contenders.js'
import { Lane } from './lib/lanes.js'
import { alone, ours, quick } from './lib/options.js'
import { figure, publish, table, verdicts } from './lib/report.js'

const COUNT = quick ? 100_000 : 1_000_000

const hour = { rate: 1_000_000, per: 'hour', burst: 1_000_000 }
const window = { algorithm: 'sliding-window', rate: 100, per: 'hour' }
const own = ours().flatMap(({ suffix, build }) => [
  { title: NAMES.bucket + suffix, settings: { name: 'bucket', build, policy: hour } },
  {
    title: `floodgate, sliding window, 1 unit used${suffix}`,
    settings: { name: 'window', build, policy: window },
  },
  {
    title: `${NAMES.window}, all used${suffix}`,
    settings: { name: 'window', build, policy: window },
    cost: 100,
  },
])
const peers = Object.keys(PEERS).map((name) => ({ title: name, settings: { name } }))

/** A small young generation, or its growth, of megabytes, would be counted as the keys'. */
const FLAGS = ['--expose-gc', '--max-semi-space-size=1']

/** A process of its own, and one store that can hold one key more than it gets. */
async function measure({ title, settings, cost = 1 }) {
  const all = { ...settings, count: COUNT, maxKeys: COUNT + 1, outcome: 'allowed' }
  const lane = await Lane.open('memory', title, all, FLAGS)
  const { heap, buffers, rss } = await lane.ask('grow', { count: COUNT, cost })
  await lane.close()
  return { heap, buffers, rss, table: settings.name in PEERS ? 0 : ((COUNT + 1) * 16) / 0.75 / COUNT }
}

const rows = []
const bar = []
let bucket = Number.POSITIVE_INFINITY
for (const contender of alone ? own : [...own, ...peers]) {
  const { heap, buffers, rss, table } = await measure(contender)
  const total = heap + buffers + table
  if (contender.title === NAMES.bucket) bucket = Math.max(total, rss)
  rows.push([contender.title, figure(heap), figure(buffers + table), figure(total), figure(rss)])
  bar.push({ group: '', contender: contender.title, value: total, label: figure(total) })
}

publish({
  name: 'memory',
  title: 'Memory of a key',
  about: `Bytes for each of ${COUNT.toLocaleString('en-US')} keys of 28 characters, garbage collected; each contender in a process of its own. Array buffers hold floodgate's
table, which is allocated at once when the store is made (counted here, although pages that no key touches cost nothing), and the rings of its sliding windows. RSS is what the
process has grown by, the memory that its collector keeps for later included.`,
  packages: Object.keys(PEERS),
  sections: [
    table(['contender', 'heap', 'array buffers', 'both', 'RSS'], rows),
    verdicts([
      {
        what: 'bytes per key, token bucket, the larger of both and RSS',
        limit: 32,
        measured: bucket,
        digits: 1,
      },
    ]),
  ],
  chart: await bars({ title: 'Memory of a key, heap and array buffers', unit: 'bytes', rows: bar }),
})

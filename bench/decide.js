// One decision: the clock is read, the key is a new string, as it comes from a header.
import { bars } from './lib/chart.js'
import { NAMES, PEERS } from './lib/contenders.js'
import { KEY_LENGTH } from './lib/keys.js'
import { Lane } from './lib/lanes.js'
import { alone, only, ours, quick } from './lib/options.js'
import { figure, publish, table, verdicts } from './lib/report.js'
import { interleave, median, medianRatio } from './lib/rounds.js'

const ROUNDS = quick ? 3 : 11
const WARM = quick ? 1 : 4
const CHUNKS = 96
const COUNTS = [1, 10_000, 1_000_000]
const OUTCOMES = ['allowed', 'denied']

const builds = ours()

/** Everything about a lane that its process has to know. */
function lanesOf(count, outcome) {
  const common = { count, outcome, maxKeys: Math.max(1000, count) }
  const own = builds.flatMap(({ suffix, build }) =>
    Object.keys(NAMES).map((law) => ({
      title: NAMES[law] + suffix,
      settings: { ...common, name: law, build, ...extras(law, count, outcome) },
    })),
  )
  if (alone) return own
  return [...own, ...Object.keys(PEERS).map((name) => ({ title: name, settings: { ...common, name } }))]
}

function extras(law, count, outcome) {
  if (law === 'bucket') return {}
  return outcome === 'denied' ? { fill: 100 } : { fill: 40, haste: count === 1 ? 1000 : 1 }
}

async function measure(count, outcome) {
  const lanes = []
  for (const { title, settings } of lanesOf(count, outcome))
    lanes.push(await Lane.open('decide', title, settings))
  const slice = (lane) => lane.ask('slice', { chunks: CHUNKS })
  await interleave(lanes, WARM, slice)
  const answers = await interleave(lanes, ROUNDS, slice)
  for (const lane of lanes) await lane.close()
  return new Map([...answers].map(([name, slices]) => [name, rates(slices)]))
}

function rates(slices) {
  const cpu = slices.map((slice) => slice.cpu)
  return { cpus: cpu, cpu: median(cpu), wall: median(slices.map((slice) => slice.wall)) }
}

/** Ratios are taken against the peer that is the fastest of this case, round by round. */
function compare(rates) {
  const peers = [...rates].filter(([name]) => name in PEERS)
  if (peers.length === 0) return null
  return peers.reduce((best, peer) => (peer[1].cpu < best[1].cpu ? peer : best))
}

const rows = []
const bar = []
const targets = []
for (const count of COUNTS) {
  for (const outcome of OUTCOMES) {
    const group = `${count.toLocaleString('en-US')} ${count === 1 ? 'key' : 'keys'}, ${outcome}`
    if (!group.includes(only)) continue
    const rates = await measure(count, outcome)
    const fastest = compare(rates)
    for (const [contender, { cpus, cpu, wall }] of rates) {
      const ratio = fastest === null ? Number.NaN : medianRatio(cpus, fastest[1].cpus)
      rows.push([group, contender, figure(cpu), figure(wall), figure(ratio)])
      bar.push({ group, contender, value: cpu, label: figure(cpu) })
      if (fastest === null || contender in PEERS) continue
      const bucket = contender.includes('bucket')
      if (count > 1 || !bucket)
        targets.push({
          what: `${contender}, ${group}`,
          limit: bucket ? 0.5 : 0.7,
          measured: ratio,
          unit: ' x',
        })
    }
  }
}

publish({
  name: 'decide',
  title: 'One decision',
  about: `Time of one decision, clock included, for keys of ${KEY_LENGTH} characters picked at random. Every key is a new flat string, cut out of the bytes of a request
outside of what is timed; nobody finds its hash computed. Each contender runs in a process of its own, ${ROUNDS} interleaved rounds of ${CHUNKS * 1024} decisions; medians. CPU time counts
all threads of the process, garbage collection included. The ratio is to the fastest peer's CPU time in the same round. No peer's window is exact: they count in fixed
windows (limiter: a bucket of floats), whatever their limit is.`,
  packages: Object.keys(PEERS),
  sections: [
    table(['case', 'contender', 'CPU ns', 'wall ns', 'of the fastest peer'], rows),
    `Ratios of CPU time to the fastest peer's:\n\n${verdicts(targets)}`,
  ],
  chart: await bars({ title: 'One decision, CPU time', unit: 'ns', rows: bar }),
})

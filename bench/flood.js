// Ten million strangers come once each. Who is forgotten, and what does it cost?
import { bars } from './lib/chart.js'
import { PEERS } from './lib/contenders.js'
import { Lane } from './lib/lanes.js'
import { alone, ours, quick } from './lib/options.js'
import { figure, publish, table, verdicts } from './lib/report.js'

const SCALE = quick ? 0.02 : 1
const MAX_KEYS = 1_000_000 * SCALE
const FLOOD = 10_000_000 * SCALE
/**
 * Peers whose memory has no bound get this much of the flood, and our sliding window that much, which is
 * enough to see.
 */
const SAMPLE = 2_000_000 * SCALE
const LESS = 3_000_000 * SCALE
const LIMIT = 10

const policies = {
  'floodgate, token bucket': { rate: LIMIT, per: 'day', burst: LIMIT },
  'floodgate, sliding window': { algorithm: 'sliding-window', rate: LIMIT, per: 'day' },
}
const builds = ours()
const own = builds.flatMap(({ suffix, build }) =>
  Object.entries(policies).map(([title, policy]) => ({
    title: title + suffix,
    count: policy.algorithm === undefined ? FLOOD : LESS,
    settings: { name: title, build, policy, limit: LIMIT },
  })),
)
const peers = Object.keys(PEERS).map((name) => ({
  title: name,
  count: name === '@fastify/rate-limit' ? FLOOD : SAMPLE,
  settings: { name, max: LIMIT, limit: LIMIT },
}))

/** Strangers that are denied too, against keys that are denied at a login, in a store of the default size. */
const LOGIN = { algorithm: 'sliding-window', rate: 5, per: '15 minutes' }
const SIEGES = [
  { what: '100 a minute, 10 at once', stranger: { rate: 100, per: 'minute', burst: 10 } },
  { what: 'window of 2 a second', stranger: { algorithm: 'sliding-window', rate: 2, per: 'second' } },
  { what: '5 in 15 minutes, as the login', stranger: LOGIN },
  { what: '1 a day', stranger: { rate: 1, per: 'day' } },
  { what: '1 a day, the login with a store of its own', stranger: { rate: 1, per: 'day' }, apart: true },
]
const BESIEGERS = 1_000_000

const rows = []
const bar = []
let freedByUs = 0
for (const { title, count, settings } of alone ? own : [...own, ...peers]) {
  const lane = await Lane.open('flood', title, { ...settings, outcome: 'allowed', maxKeys: MAX_KEYS })
  const { cpu, wall, mib, freed, forgotten } = await lane.ask('flood', { count })
  await lane.close()
  if (!(settings.name in PEERS)) freedByUs += freed
  const unbounded = count === SAMPLE
  const keys = unbounded ? 'all' : MAX_KEYS.toLocaleString('en-US')
  const lost = forgotten === undefined ? (unbounded ? '0' : 'not counted') : forgotten.toLocaleString('en-US')
  rows.push([
    title,
    count.toLocaleString('en-US'),
    figure(cpu),
    figure(wall),
    keys,
    figure(mib),
    lost,
    String(freed),
  ])
  bar.push({ group: '', contender: title, value: cpu, label: `${figure(cpu)} ns, ${freed} of 1,000 freed` })
}

const sieges = []
for (const { suffix, build } of builds) {
  for (const { what, stranger, apart = false } of SIEGES) {
    const lane = await Lane.open('siege', what, { build, victim: LOGIN, stranger, apart })
    const { first, half } = await lane.ask('siege', { count: BESIEGERS })
    await lane.close()
    const each = (stranger.burst ?? stranger.rate) + 1
    const price = (strangers) => (strangers === null ? 'none' : (strangers * each).toLocaleString('en-US'))
    const count = half === null ? BESIEGERS : half
    sieges.push([what + suffix, String(each), count.toLocaleString('en-US'), price(first), price(half)])
  }
}

publish({
  name: 'flood',
  title: 'A flood of strangers',
  about: `1,000 keys spend their limit of ${LIMIT} and are denied; then up to ${FLOOD.toLocaleString('en-US')} other keys come once each, against a bound of ${MAX_KEYS.toLocaleString('en-US')} keys; then the
1,000 try again, long before anything of theirs has come back. Time is CPU time of a decision during the flood, over all of it. Three peers have no bound: they see
the first ${SAMPLE.toLocaleString('en-US')} keys only, and keep them all.`,
  packages: Object.keys(PEERS),
  sections: [
    table(
      [
        'contender',
        'keys that came',
        'CPU ns',
        'wall ns',
        'keys kept',
        'RSS grew by, MiB',
        'live keys forgotten',
        'denied keys freed',
      ],
      rows,
    ),
    `Strangers that are denied too. 1,000 keys are denied at a login (5 in 15 minutes) in a store of 100,000 keys; then strangers spend their limit and are denied, up to
${BESIEGERS.toLocaleString('en-US')} of them, while time stands still. How many requests of theirs free the first of the 1,000, and half of them?`,
    table(
      ['limit of the strangers', 'requests each', 'strangers', 'requests for the first', 'requests for half'],
      sieges,
    ),
    verdicts([{ what: 'denied keys that floodgate frees', limit: 0, measured: freedByUs, digits: 0 }]),
  ],
  chart: await bars({ title: 'A decision in a flood, CPU time', unit: 'ns', rows: bar }),
})

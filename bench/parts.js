// What a decision is made of: each part by itself, timed by mitata. A tool for work on the memory
// store; nothing is written.
import { do_not_optimize, measure } from 'mitata'
import { load } from './lib/build.js'
import { Keys } from './lib/keys.js'
import { ours } from './lib/options.js'
import { figure, table } from './lib/report.js'

const COUNT = 10_000
/** ns of each part; making the keys takes several times as long. */
const MEASURED = 100e6

const keys = new Keys(COUNT)
const [{ build }] = ours()
const { createLimiter, memoryStore } = await load(build)
const { KeyHasher } = await load(build, 'store/key-hash.js')
const hasher = new KeyHasher()
const limiter = (policy) =>
  createLimiter({ name: 'parts', ...policy }, { store: memoryStore({ maxKeys: COUNT }) })
const bucket = limiter({ rate: 1_000_000, per: 'second', burst: 2_000_000_000 })
const denied = limiter({ rate: 1, per: 'day', burst: 1 })
const window = limiter({ algorithm: 'sliding-window', rate: 100, per: 'day' })
const map = new Map(Array.from({ length: COUNT }, (_, i) => [keys.at(i), i]))

const parts = {
  'reading performance.now()': () => performance.now(),
  'reading Date.now()': () => Date.now(),
  'reading the characters of a key': (key) => {
    let sum = 0
    for (let i = 0; i < key.length; i++) sum += key.charCodeAt(i)
    return sum
  },
  'hashing a key': (key) => {
    hasher.digest(1, key)
    return hasher.low
  },
  'Map.get of a key, for comparison': (key) => map.get(key),
  'take, token bucket, allowed': (key) => bucket.take(key),
  'peek, token bucket': (key) => bucket.peek(key),
  'take, token bucket, denied': (key) => denied.take(key),
  'take, sliding window, denied': (key) => window.take(key),
  'peek, sliding window': (key) => window.peek(key),
}

for (let i = 0; i < COUNT; i++) window.take(keys.at(i), { cost: 100 })
const one = ['']
const rows = []
for (const [part, run] of Object.entries(parts)) {
  // Arguments that mitata makes outside of what it times, a new string for each call.
  function* fresh() {
    yield {
      0: () => keys.pick(one)[0],
      bench: (key) => do_not_optimize(run(key)),
    }
  }
  const stats = await measure(fresh, { min_cpu_time: MEASURED })
  rows.push([part, figure(stats.p50), figure(stats.p25), figure(stats.p75)])
}
console.log(`One key of ${COUNT.toLocaleString('en-US')}, 28 characters, new at each call; ns.\n`)
console.log(table(['part', 'median', '25 %', '75 %'], rows))

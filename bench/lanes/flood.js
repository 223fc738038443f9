import { makeContender } from '../lib/contenders.js'
import { Keys } from '../lib/keys.js'
import { serve } from '../lib/lanes.js'
import { Stopwatch } from '../lib/rounds.js'

const CHUNK = 1024
/** Keys that are denied before the flood, from this number on. */
const DENIED = 1000
const FIRST = 3_000_000_000

let contender
const keys = new Keys(1)

serve({
  async setup(settings) {
    contender = await makeContender(settings.name, settings)
    for (let i = 0; i <= settings.limit; i++) await contender.run(deniedKeys())
    if ((await contender.run(deniedKeys())) > 0)
      throw new Error('keys are allowed that have spent everything')
  },

  /** Lets `count` keys come once each. */
  async flood({ count }) {
    const watch = new Stopwatch()
    const before = process.memoryUsage().rss
    for (let from = 0; from < count; from += CHUNK) {
      const chunk = Array.from({ length: CHUNK }, (_, i) => keys.at(from + i))
      watch.start()
      await contender.run(chunk)
      watch.stop()
    }
    const mib = (process.memoryUsage().rss - before) / 2 ** 20
    const freed = await contender.run(deniedKeys())
    return {
      cpu: watch.cpu / count,
      wall: watch.wall / count,
      mib,
      freed,
      forgotten: contender.stats?.().forgotten,
    }
  },
})

function deniedKeys() {
  return Array.from({ length: DENIED }, (_, i) => keys.at(FIRST + i))
}

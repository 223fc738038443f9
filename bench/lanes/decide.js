import { makeContender } from '../lib/contenders.js'
import { Keys } from '../lib/keys.js'
import { serve } from '../lib/lanes.js'
import { Stopwatch } from '../lib/rounds.js'

/** Keys that are made at a time, outside of what is timed, as many as fit the nearest caches. */
const CHUNK = 1024

/** Most decisions a second about windows, the making of keys included: a fast machine would fill them. */
const PACE = 300_000

let contender
let keys
let outcome
let pace

serve({
  /** Makes the contender know all keys, and has denied keys spend what they have. */
  async setup(settings) {
    const { name, count, fill = 0 } = settings
    outcome = settings.outcome
    // What one key may do in a chunk is up to its window alone.
    pace = name.endsWith('window') && count > 1 ? PACE : Number.POSITIVE_INFINITY
    keys = new Keys(count)
    contender = await makeContender(name, settings)
    const cost = fill
    for (let from = 0; from < count; from += CHUNK) {
      const chunk = Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => keys.at(from + i))
      if (cost > 0) contender.fill(chunk, cost)
      else await contender.run(chunk)
    }
  },

  /** Decides `chunks` times 1,024 times; returns ns per decision. */
  async slice({ chunks }) {
    const chunk = new Array(CHUNK).fill('')
    const watch = new Stopwatch()
    let allowed = 0
    let due = performance.now()
    for (let i = 0; i < chunks; i++) {
      keys.pick(chunk)
      while (performance.now() < due);
      due += (CHUNK * 1000) / pace
      watch.start()
      allowed += await contender.run(chunk)
      watch.stop()
    }
    const decisions = chunks * CHUNK
    const wanted = outcome === 'allowed' ? decisions : 0
    if (Math.abs(allowed - wanted) > decisions / 1000)
      throw new Error(`${allowed} of ${decisions} were allowed, instead of ${wanted}`)
    return { wall: watch.wall / decisions, cpu: watch.cpu / decisions }
  },
})

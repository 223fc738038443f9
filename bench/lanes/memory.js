// Run with --expose-gc.
import { makeContender } from '../lib/contenders.js'
import { Keys } from '../lib/keys.js'
import { serve } from '../lib/lanes.js'

const CHUNK = 1000

let contender

serve({
  async setup(settings) {
    contender = await makeContender(settings.name, settings)
    // What compiled code and the first blocks take is no key's.
    await contender.run([new Keys(1).at(0)])
  },

  /** Lets the contender see `count` keys, `cost` units each; returns what a key takes, in bytes. */
  async grow({ count, cost }) {
    const keys = new Keys(count)
    // What the strings of keys need while they are young is no key's either.
    for (let i = 0; i < count; i += CHUNK) keys.pick(new Array(CHUNK).fill(''))
    const before = look()
    for (let from = 0; from < count; from += CHUNK) {
      const chunk = Array.from({ length: CHUNK }, (_, i) => keys.at(from + i))
      if (cost === 1) await contender.run(chunk)
      else contender.fill(chunk, cost)
    }
    const after = look()
    const perKey = (part) => (after[part] - before[part]) / count
    return { heap: perKey('heap'), buffers: perKey('buffers'), rss: perKey('rss') }
  },
})

/** What is in use once nothing can be freed any more. */
function look() {
  for (let i = 0; i < 5; i++) globalThis.gc()
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  return { heap: heapUsed, buffers: arrayBuffers, rss }
}

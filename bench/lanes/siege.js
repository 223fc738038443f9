import { load } from '../lib/build.js'
import { Keys } from '../lib/keys.js'
import { serve } from '../lib/lanes.js'

const VICTIMS = 1000
const FIRST = 3_000_000_000
const CHUNK = 1024

const keys = new Keys(1)
let victims
let strangers

serve({
  /**
   * Denies the victims, and makes a limiter for strangers. `apart` gives the victims a store of their own.
   */
  async setup({ build, victim, stranger, apart }) {
    const { createLimiter, memoryStore } = await load(build)
    // Time stands still: nothing comes back, as for a client with all the speed there is.
    const clock = { now: () => 0 }
    const store = memoryStore({ clock })
    victims = createLimiter({ name: 'victims', ...victim }, { store: apart ? memoryStore({ clock }) : store })
    strangers = createLimiter({ name: 'strangers', ...stranger }, { store })
    // It is expected here that denied keys go.
    store.onWarning?.(() => {})
    for (let i = 0; i < VICTIMS; i++) exhaust(victims, keys.at(FIRST + i))
    if (freed() > 0) throw new Error('keys are allowed that have spent everything')
  },

  /** Denies up to `count` strangers. Returns how many free the first victim, and half of them, or null. */
  async siege({ count }) {
    let first = null
    for (let from = 0; from < count; from += CHUNK) {
      for (let i = from; i < from + CHUNK; i++) exhaust(strangers, keys.at(i))
      const gone = freed()
      if (gone > 0) first ??= from + CHUNK
      if (gone >= VICTIMS / 2) return { first, half: from + CHUNK }
    }
    return { first, half: null }
  },
})

/** Spends all that a key has, in one call where a client takes a request a unit, and is denied. */
function exhaust(limiter, key) {
  limiter.take(key, { cost: limiter.policies[0].limit })
  limiter.take(key)
}

function freed() {
  let count = 0
  for (let i = 0; i < VICTIMS; i++) if (victims.peek(keys.at(FIRST + i)).allowed) count++
  return count
}

import { Keys } from '../lib/keys.js'
import { serve } from '../lib/lanes.js'
import { REDIS_CONTENDERS } from '../lib/redis-contenders.js'

let contender
let keys
let denied

serve({
  async setup(settings) {
    denied = settings.denied
    keys = new Keys(settings.count)
    contender = await REDIS_CONTENDERS[settings.name](settings)
    // Scripts are loaded then, and keys that must be denied have been denied once.
    for (let i = 0; i < Math.max(2, Math.min(settings.count, 1000)); i++)
      await contender.take(keys.at(i % settings.count))
  },

  /**
   * Takes `decisions` times, by so many callers at once; returns decisions a second, and this process's CPU
   * ns for each.
   */
  async slice({ decisions, callers }) {
    let left = decisions
    let allowed = 0
    const one = ['']
    const call = async () => {
      while (left-- > 0) if (await contender.take(keys.pick(one)[0])) allowed++
    }
    const cpu = process.cpuUsage()
    const start = process.hrtime.bigint()
    await Promise.all(Array.from({ length: callers }, call))
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    const { user, system } = process.cpuUsage(cpu)
    if (allowed !== (denied ? 0 : decisions)) throw new Error(`${allowed} of ${decisions} were allowed`)
    return { rate: decisions / seconds, cpu: ((user + system) * 1000) / decisions }
  },

  /** One call after the other; returns the time of each, in µs. */
  async latencies({ calls }) {
    const times = []
    for (let i = 0; i < calls; i++) {
      const start = process.hrtime.bigint()
      await contender.take(keys.at(i % keys.count))
      times.push(Number(process.hrtime.bigint() - start) / 1e3)
    }
    return times
  },
})

import Fastify from 'fastify'
import { load } from '../lib/build.js'
import { serve } from '../lib/lanes.js'

/** Keys of each limiter that are decided about each second, of which half are denied. */
const KEYS = 100

let app

serve({
  /** Starts an app with so many limiters, its console, and decisions that go on. Returns its address. */
  async setup({ build, limiters }) {
    const { default: rateLimit } = await load(build)
    const { default: rateLimitConsole } = await load(build, 'console.js')
    app = Fastify()
    const names = Array.from({ length: limiters }, (_, i) => `limiter-${i}`)
    const policy = { algorithm: 'sliding-window', rate: 30, per: 'minute', key: 'ip' }
    await app.register(rateLimit, {
      warnings: false,
      log: false,
      offenders: {},
      limiters: Object.fromEntries(names.map((name) => [name, policy])),
    })
    await app.register(rateLimitConsole, { prefix: '/limits', public: true })
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    // In parts of a second, as traffic is.
    let turn = 0
    setInterval(() => {
      for (let i = turn++ % 10; i < names.length; i += 10)
        for (let key = 0; key < KEYS; key++) app.rateLimit.get(names[i]).take(`10.0.0.${key}`)
    }, 100)
    return address
  },

  /** The share of a core that the process uses in so many seconds. */
  async use({ seconds }) {
    const before = process.cpuUsage()
    const start = performance.now()
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000 / (performance.now() - start)
  },

  /** Milliseconds of CPU of one sample of the history, which is taken each 5 s while no page is open. */
  async sample({ build, times }) {
    const { History } = await load(build, 'console/history.js')
    const history = new History(app.rateLimit.stats(), 0)
    const before = process.cpuUsage()
    for (let i = 1; i <= times; i++) history.sample(app.rateLimit.stats(), i * 5000)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000 / times
  },
})

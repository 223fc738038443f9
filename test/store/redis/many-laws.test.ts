import { stopCoverage } from 'node:v8'
import t, { test } from 'tap'
import { compilePolicy } from '../../../lib/policy/index.js'
import { newCharge } from '../../../lib/store/index.js'
import { bytesInUse } from '../memory/bytes.js'
import { policyOf } from '../memory/many-laws.js'
import { serve, Times } from './one-server.js'

// Memory is measured, and the counters of coverage would double it.
t.setTimeout(180_000)
stopCoverage()

const MIB = 2 ** 20
/** Laws that are used at the same time. */
const AT_ONCE = 500

test('100,000 laws in one space, each opened, used and dropped, leave memory flat', async (t) => {
  const { server, client } = await serve(t)
  const times = new Times()
  const store = times.store(client, { lease: 20, denyCache: 100, onStoreFailure: 'local' })
  const route = store.open(compilePolicy(policyOf(1), 'route'), 'route')
  /** Uses a law as a route would: allowed twice, which leases units of a bucket, and then denied. */
  const use = async (i: number) => {
    const charge = newCharge(store.open(compilePolicy(policyOf(i), 'route'), route))
    charge.key = `key ${i % 1000}`
    const answers = [await store.take([charge]), await store.take([charge])]
    charge.cost = charge.bucket.policy.limit
    answers.push(await store.take([charge]))
    return answers.join() === 'true,true,false'
  }
  const run = async (from: number, till: number) => {
    let wrong = 0
    for (let i = from; i < till; i += AT_ONCE) {
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => use(i + k)))
      wrong += answers.filter((answer) => !answer).length
      times.advance(1000)
    }
    // Leases that nobody uses go back in half a second; this does not wait for it.
    await store.close()
    await server.command('FLUSHALL')
    return wrong
  }
  t.equal(await run(0, 20_000), 0)
  const before = await bytesInUse()
  t.equal(await run(20_000, 120_000), 0)
  const grown = (await bytesInUse()) - before
  t.ok(grown < 4 * MIB, `${grown} bytes`)
  t.equal((await store.take([{ ...newCharge(route), key: 'key' }])) && store.state, 'up')
})

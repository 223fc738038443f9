import { stopCoverage } from 'node:v8'
import t, { test } from 'tap'
import { compilePolicy } from '../../../lib/policy/index.js'
import { MemoryStore } from '../../../lib/store/memory/store.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { bytesInUse } from './bytes.js'
import { policyOf, story } from './many-laws.js'

// As in flood.test.ts: memory is measured, and the counters of coverage would double it.
t.setTimeout(180_000)
stopCoverage()

const MIB = 2 ** 20

test('200,000 laws, each opened for one call, leave memory flat and decide as in a store of their own', async (t) => {
  const clock = new ManualClock()
  const store = new MemoryStore({ clock, maxKeys: 1000 })
  const route = store.open(compilePolicy(policyOf(1), 'tested'), 'route')
  const run = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const policy = compilePolicy(policyOf(i), 'tested')
      const told = story(store, store.open(policy, route), `key ${i}`)
      if (i % 1000 < 3) {
        const fresh = new MemoryStore({ clock, maxKeys: 10 })
        t.same(told, story(fresh, fresh.open(policy, 'fresh'), 'key'))
      }
    }
  }
  run(0, 10_000)
  const before = await bytesInUse()
  run(10_000, 100_000)
  run(100_000, 200_000)
  const grown = (await bytesInUse()) - before
  t.ok(grown < MIB, `${grown} bytes`)
  t.equal(store.stats().keys, 1000)
  t.match(story(store, route, 'key'), [{ remaining: 2 }, { remaining: 0 }])
})

import { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { compilePolicy } from '../../../lib/policy/index.js'
import { memoryStore } from '../../../lib/store/index.js'
import { MemoryStore } from '../../../lib/store/memory/store.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { policyOf, story } from './many-laws.js'

/** More than fit into the slots of a table. */
const MANY = 1500

test('any number of different laws can be in use at once, each with its own decisions', async (t) => {
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  const limiters = Array.from({ length: MANY }, (_, i) =>
    createLimiter({ name: `law ${i}`, policies: [policyOf(i)] }, { store }),
  )
  for (let round = 0; round < 3; round++) {
    for (const [i, limiter] of limiters.entries()) {
      const fresh = createLimiter(
        { name: `law ${i}`, policies: [policyOf(i)] },
        { store: memoryStore({ clock, maxKeys: 10 }) },
      )
      for (let before = 0; before < round; before++) fresh.take('key')
      const told = limiter.take('key')
      if (JSON.stringify(told) !== JSON.stringify(fresh.take('key'))) t.fail(`law ${i}, round ${round}`)
    }
  }
  t.match(store.stats(), { keys: MANY, maxKeys: 100_000, forgotten: 0 })
  for (const limiter of limiters) limiter.refund('key')
  for (const limiter of limiters) limiter.reset('key')
  t.equal(store.stats().keys, 0)
})

test('a bucket is right after its law has gone and come back', async (t) => {
  const clock = new ManualClock()
  const store = memoryStore({ clock, maxKeys: 4000 })
  const [first, second, third] = [1, 2, 1].map((i) =>
    createLimiter({ name: 'tested', policies: [policyOf(i)] }, { store }),
  )
  first.take('key')
  first.reset('key')
  // Another law gets its id, and it comes back under another id, through another bucket.
  second.take('key', { cost: 2 })
  third.take('key', { cost: 2 })
  t.match(first.take('key'), { allowed: true, remaining: 2 })
  t.match(third.take('key'), { allowed: true, remaining: 0 })
  t.match(second.peek('key'), { allowed: true, remaining: 2 })
  first.reset('key')
  t.match(third.peek('key'), { allowed: false, remaining: 0 }, 'one key less leaves the law to the other')
  third.reset('key')
  for (let i = 10; i < 10 + MANY; i++)
    createLimiter({ name: 'x', policies: [policyOf(i)] }, { store }).take('a')
  t.match(first.take('key', { cost: 3 }), { allowed: true, remaining: 0 })
  t.match(first.peek('key'), { allowed: false })
  t.equal(second.take('key', { cost: 2 }).remaining, 0)
})

test('a law whose only key makes room for another of its own stays', async (t) => {
  const store = memoryStore({ clock: new ManualClock(), maxKeys: 1 })
  for (const i of [0, 1]) {
    const limiter = createLimiter({ name: 'tested', policies: [policyOf(i)] }, { store })
    for (const key of ['a', 'b', 'c']) t.equal(limiter.take(key).remaining, limiter.policies[0].limit - 1)
    t.equal(limiter.take('c').remaining, limiter.policies[0].limit - 2)
  }
})

test('a law that comes back after years starts its ticks again', async (t) => {
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  const fine = { name: 'fine', rate: 999_983, per: 'second', burst: 1_000_000 } as const
  const limiter = createLimiter(fine, { store })
  limiter.take('key')
  store.sweep()
  clock.advance(10 * 365 * 24 * 3_600_000)
  store.sweep()
  t.same(limiter.take('key', { cost: 999_983 }), { ...limiter.peek('key'), allowed: true })
  clock.advance(1001)
  t.equal(limiter.peek('key').remaining, 1_000_000)
})

test('a bucket opened in the space of another shares the keys of an equal law, and no others', async (t) => {
  const store = new MemoryStore({ clock: new ManualClock() })
  const compiled = (i: number) => compilePolicy(policyOf(i), 'tested')
  const route = store.open(compiled(1), 'route')
  const again = store.open(compiled(1), route)
  const other = store.open(compiled(2), route)
  const elsewhere = store.open(compiled(1), 'route')
  story(store, route, 'key')
  t.match(story(store, again, 'key'), [{ allowed: false, remaining: 0 }, { allowed: false }])
  t.match(story(store, store.open(compiled(1), again), 'key'), [{ allowed: false }, { allowed: false }])
  t.match(story(store, other, 'key'), [{ remaining: 3 }, { remaining: 1 }], 'another law')
  t.match(story(store, elsewhere, 'key'), [{ remaining: 2 }, { remaining: 0 }], 'another space')
  t.match(story(store, route, 'another key'), [{ remaining: 2 }, { remaining: 0 }])
})

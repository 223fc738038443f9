import t, { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { memoryStore } from '../../../lib/store/index.js'
import type { Limiter, PolicyOptions } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { PLAIN_POLICY } from '../../fixtures/plain-policy.js'
import { storeContract } from '../../fixtures/store-contract.js'

storeContract(t, { name: 'memory', open: memoryStore })

const HOURLY: PolicyOptions = { name: 'hourly', rate: 60, per: 'hour', burst: 4 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 4, per: 'hour' }
const ONCE: PolicyOptions = { name: 'once', rate: 60, per: 'hour', burst: 1 }
const ONE_WINDOW: PolicyOptions = { name: 'one an hour', algorithm: 'sliding-window', rate: 1, per: 'hour' }
const MINUTE = 60_000

/** A store of that size and a limiter of those policies on it. */
function storeOf(maxKeys: number, ...policies: PolicyOptions[]) {
  const clock = new ManualClock()
  const store = memoryStore({ maxKeys, clock })
  return { clock, store, limiter: createLimiter({ name: 'tested', policies }, { store }) }
}

function remaining(limiter: Limiter, key: string): number {
  return limiter.peek(key, { cost: 0 }).remaining
}

test('options that are not allowed are refused, by name', async (t) => {
  for (const maxKeys of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 100_000_001, '10', null]) {
    t.throws(() => memoryStore({ maxKeys: maxKeys as never }), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'maxKeys' is .*; allowed: an integer from 1 to 100000000$/,
    })
  }
  t.throws(() => memoryStore({ clock: {} as never }), { code: 'FST_FLOODGATE_OPTION', message: /'clock'/ })
  t.throws(() => memoryStore({ maxkeys: 5 } as never), {
    code: 'FST_FLOODGATE_UNKNOWN_OPTION',
    message: /'maxkeys'; did you mean 'maxKeys'\?/,
  })
  t.throws(() => memoryStore(5 as never), { code: 'FST_FLOODGATE_OPTION' })
})

test('a store has room for 100,000 keys and its own clock unless told otherwise', async (t) => {
  const store = memoryStore()
  const limiter = createLimiter({ name: 'tested', ...WINDOW }, { store })
  t.same(store.stats(), { keys: 0, maxKeys: 100_000, forgotten: 0, units: 0, maxUnits: 2 ** 24 })
  t.match(limiter.take('key'), { allowed: true, remaining: 3 })
  t.match(limiter.take('key'), { allowed: true, remaining: 2 })
})

test('only what was spent is tracked: once a key and policy', async (t) => {
  const { store, limiter } = storeOf(10, HOURLY, WINDOW)
  limiter.peek('peeked')
  limiter.take('free', { cost: 0 })
  limiter.take('denied', { cost: 5 })
  limiter.refund('refunded')
  limiter.reset('unknown')
  t.equal(store.stats().keys, 0, 'what spends nothing takes no room')
  limiter.take('key')
  limiter.take('key')
  t.equal(store.stats().keys, 2)
  limiter.refund('key', 0)
  t.equal(remaining(limiter, 'key'), 2, 'a refund of nothing changes nothing')
  limiter.reset('key')
  t.match(
    store.stats(),
    { keys: 0, maxKeys: 10, forgotten: 0 },
    'a reset frees the room and counts as no loss',
  )
})

test('sweep frees what expired, returns how much, and loses nothing', async (t) => {
  const { clock, store, limiter } = storeOf(100, HOURLY, WINDOW)
  for (let i = 0; i < 20; i++) limiter.take(`early ${i}`)
  clock.advance(30 * MINUTE)
  for (let i = 0; i < 20; i++) limiter.take(`late ${i}`, { cost: 4 })
  t.equal(store.sweep(), 20, 'the buckets of the early keys, not their windows')
  t.equal(store.stats().keys, 60)
  clock.advance(30 * MINUTE)
  t.equal(store.sweep(), 40, 'the windows of the early keys, the buckets of the late ones')
  for (let i = 0; i < 20; i++) t.equal(remaining(limiter, `late ${i}`), 0)
  t.equal(store.sweep(), 0)
  t.match(store.stats(), { keys: 20, maxKeys: 100, forgotten: 0 })
})

test('no timer and no handle keeps the process alive', async (t) => {
  const before = process.getActiveResourcesInfo()
  const { limiter } = storeOf(10, HOURLY, WINDOW)
  limiter.take('key')
  t.same(process.getActiveResourcesInfo(), before)
})

for (const policy of [HOURLY, WINDOW]) {
  test(`a full store forgets expired keys first, and nothing live: ${policy.name}`, async (t) => {
    const { clock, store, limiter } = storeOf(4, policy)
    limiter.take('early 1')
    limiter.take('early 2')
    clock.advance(59 * MINUTE)
    limiter.take('late 1', { cost: 2 })
    limiter.take('late 2', { cost: 3 })
    clock.advance(MINUTE)
    limiter.take('new 1')
    limiter.take('new 2')
    t.match(store.stats(), { keys: 4, maxKeys: 4, forgotten: 0 })
    t.same(
      ['new 1', 'new 2', 'late 2'].map((key) => remaining(limiter, key)),
      [3, 3, policy === WINDOW ? 1 : 2],
    )
  })

  test(`then it forgets the key closest to unlimited, and counts it: ${policy.name}`, async (t) => {
    const { store, limiter } = storeOf(3, policy)
    limiter.take('much', { cost: 3 })
    limiter.take('little', { cost: 1 })
    limiter.take('all', { cost: 4 })
    limiter.take('new', { cost: 2 })
    t.match(store.stats(), { keys: 3, maxKeys: 3, forgotten: 1 })
    t.same(
      ['much', 'little', 'all', 'new'].map((key) => remaining(limiter, key)),
      [1, 4, 0, 2],
    )
  })
}

test('closeness to unlimited compares across laws and limits', async (t) => {
  const { store, limiter } = storeOf(3, HOURLY)
  const window = createLimiter({ name: 'window', ...WINDOW, rate: 10 }, { store })
  const deep = createLimiter({ name: 'deep', rate: 100, per: 'hour', burst: 100 }, { store })
  limiter.take('key', { cost: 2 })
  window.take('key', { cost: 4 })
  deep.take('key', { cost: 45 })
  limiter.take('new')
  t.equal(remaining(window, 'key'), 10, '4 of 10 goes before 45 of 100 and 2 of 4')
  limiter.take('newer', { cost: 3 })
  t.equal(remaining(limiter, 'new'), 4, '1 of 4 goes before 45 of 100')
  limiter.take('newest', { cost: 3 })
  t.equal(remaining(deep, 'key'), 100, '45 of 100 goes before 2 of 4')
})

for (const policies of [[ONCE], [ONE_WINDOW], [HOURLY], [WINDOW], [ONCE, WINDOW], [WINDOW, ONCE]]) {
  const names = policies.map((policy) => policy.name).join(' and ')
  const [shallow] = policies.filter((policy) => policy === ONCE || policy === ONE_WINDOW)
  test(`a key that is being denied is forgotten last, among keys just as spent: ${names}`, async (t) => {
    const { clock, store, limiter } = storeOf(3 * policies.length, ...policies)
    const drain = (key: string) => limiter.take(key, { cost: shallow ? 1 : 4 })
    drain('denied')
    drain('spent')
    t.equal(limiter.take('denied').allowed, false)
    limiter.refund('denied', 0)
    clock.advance(30_000)
    for (let i = 0; i < 100; i++) drain(`flood ${i}`)
    t.ok(store.stats().forgotten >= 98)
    t.equal(limiter.peek('denied').allowed, false)
    // Half a minute made the buckets of both cooler than those of the flood; windows are all alike.
    if (policies.includes(HOURLY) || policies.includes(ONCE)) {
      t.equal(limiter.peek('spent').allowed, true, 'the flood frees a key that was not denied')
    }
  })
}

for (const [policy, gap, back] of [
  [HOURLY, 0, MINUTE],
  [WINDOW, MINUTE, 60 * MINUTE],
] as const) {
  test(`a key that was denied is kept before any other, until it is allowed again: ${policy.name}`, async (t) => {
    const { clock, store, limiter } = storeOf(2, policy)
    limiter.take('denied')
    clock.advance(gap)
    while (limiter.take('denied').allowed);
    clock.advance(back - gap - 1000)
    limiter.take('spent', { cost: 4 })
    clock.advance(1000)
    t.equal(limiter.peek('denied').allowed, true, 'one unit is back')
    limiter.take('new')
    t.equal(store.stats().forgotten, 1)
    t.equal(limiter.peek('denied').remaining, 1, 'it stays, less spent though it is than the other')
    t.equal(limiter.peek('spent').remaining, limiter.policies[0].limit, 'which is forgotten')
  })
}

for (const policy of [HOURLY, WINDOW]) {
  test(`a key that is denied a cost above one is kept as well: ${policy.name}`, async (t) => {
    const { store, limiter } = storeOf(40, policy)
    const cost = limiter.policies[0].limit - 1
    for (let i = 0; i < 10; i++) {
      limiter.take(`victim ${i}`, { cost })
      t.equal(limiter.take(`victim ${i}`, { cost }).allowed, false)
    }
    limiter.take('spent', { cost: limiter.policies[0].limit })
    limiter.take('spent', { cost: limiter.policies[0].limit + 1 })
    for (let i = 0; i < 2000; i++) limiter.take(`flood ${i}`, { cost })
    for (let i = 0; i < 10; i++) t.equal(limiter.peek(`victim ${i}`, { cost }).allowed, false)
    t.ok(store.stats().forgotten > 1900)
  })
}

test('a store of one key works', async (t) => {
  const { store, limiter } = storeOf(1, ONCE)
  for (let i = 0; i < 10; i++) {
    t.equal(limiter.take(`key ${i}`).allowed, true)
    t.equal(limiter.take(`key ${i}`).allowed, false)
  }
  t.match(store.stats(), { keys: 1, maxKeys: 1, forgotten: 9 })
})

test('a policy that no limiter has compiled is refused, and leaves the store as it was', async (t) => {
  const { store } = storeOf(2, ONCE)
  for (let i = 0; i < 2; i++) {
    t.throws(() => store.open(PLAIN_POLICY, 'space'), {
      code: 'FST_FLOODGATE_OPTION',
      message: /'policy' is an object/,
    })
  }
})

import t, { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { createSharedMemory, type SharedMemoryOptions, sharedStore } from '../../../lib/threads.js'
import type { Limiter, PolicyOptions, SyncStore } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { storeContract } from '../../fixtures/store-contract.js'

storeContract(t, {
  name: 'shared',
  open: ({ maxKeys, clock }) => sharedStore({ memory: createSharedMemory({ maxKeys }), clock }),
})

const BUCKET: PolicyOptions = { name: 'bucket', rate: 60, per: 'hour', burst: 4 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 4, per: 'hour' }

/** Stores of two threads, or as good as that, over one memory. */
function twoStores(options: SharedMemoryOptions = {}) {
  const memory = createSharedMemory(options)
  const clock = new ManualClock(1_000_000)
  return { memory, clock, one: sharedStore({ memory, clock }), two: sharedStore({ memory, clock }) }
}

function remaining(limiter: Limiter, key: string): number {
  return limiter.peek(key, { cost: 0 }).remaining
}

for (const policy of [BUCKET, WINDOW]) {
  test(`what one thread charges is charged in all, and so are refunds and resets: ${policy.name}`, async (t) => {
    const { clock, one, two } = twoStores()
    const [mine, yours] = [one, two].map((store) => createLimiter({ name: 'tested', ...policy }, { store }))
    t.match(mine.take('key', { cost: 3 }), { allowed: true, remaining: 1 })
    t.match(yours.take('key', { cost: 2 }), { allowed: false, remaining: 1 })
    t.match(yours.take('key'), { allowed: true, remaining: 0 })
    clock.advance(60_000)
    mine.refund('key', 2)
    t.equal(remaining(yours, 'key'), policy === BUCKET ? 3 : 2)
    yours.reset('key')
    t.equal(remaining(mine, 'key'), 4)
    t.same(one.stats(), { keys: 0, maxKeys: 100_000, forgotten: 0 })
  })
}

test('keys that have no room in the line where they are looked for first are charged as others are', async (t) => {
  const { one, two } = twoStores({ maxKeys: 1000 })
  const limiters = [one, two].map((store) => createLimiter({ name: 'tested', ...BUCKET }, { store }))
  for (const remaining of [3, 2, 1, 0]) {
    const wrong = Array.from({ length: 1000 }, (_, i) => `key ${i}`).filter(
      (key) => limiters[remaining % 2].take(key).remaining !== remaining,
    )
    t.same(wrong, [])
  }
  t.match(one.stats(), { keys: 1000, forgotten: 0 })
})

test('a space is the same in all threads, in the order in which it was opened, and no other', async (t) => {
  const { one, two } = twoStores()
  const limiters = (store: SyncStore) => [
    createLimiter({ name: 'a', ...BUCKET }, { store }),
    createLimiter({ name: 'a', ...BUCKET }, { store }),
    createLimiter({ name: 'b', ...BUCKET }, { store }),
    createLimiter({ name: 'a', ...BUCKET, burst: 5 }, { store }),
  ]
  const mine = limiters(one)
  // Others are opened before and between, and in another order.
  createLimiter({ name: 'elsewhere', rate: 7 }, { store: two })
  const yours = limiters(two)
  for (const [i, limiter] of mine.entries()) limiter.take('key', { cost: i + 1 })
  t.same(
    yours.map((limiter) => remaining(limiter, 'key')),
    [3, 2, 1, 1],
  )
})

test('time is that of all threads together, and never steps back', async (t) => {
  const memory = createSharedMemory()
  const [early, late] = [new ManualClock(5000), new ManualClock(5000)]
  const [mine, yours] = [early, late].map((clock) =>
    createLimiter(
      { name: 'tested', algorithm: 'sliding-window', rate: 1, per: 'minute' },
      { store: sharedStore({ memory, clock }) },
    ),
  )
  late.advance(10_000)
  yours.take('key')
  t.match(mine.peek('key'), { allowed: false, retryAfter: 60_000 }, 'whose clock is behind sees no time pass')
  early.advance(69_999)
  t.match(mine.peek('key'), { allowed: false, retryAfter: 1 })
  early.advance(1)
  t.equal(mine.peek('key').allowed, true)
})

test('keys of several parts are charged together', async (t) => {
  const { one, two } = twoStores({ maxKeys: 100_000 })
  const policies = [BUCKET, WINDOW, { ...BUCKET, name: 'third', burst: 3 }]
  const [mine, yours] = [one, two].map((store) => createLimiter({ name: 'tested', policies }, { store }))
  for (let i = 0; i < 500; i++) {
    t.equal(mine.take(`key ${i}`, { cost: 2 }).remaining, 1)
    t.equal(yours.take(`key ${i}`, { cost: 2 }).allowed, false)
    t.match(yours.take(`key ${i}`), { allowed: true, policy: 'third', remaining: 0 })
  }
  t.equal(one.stats().keys, 1500)
  t.same(two.stats(), one.stats())
})

test('a store of many parts forgets little before it is full, and never holds more than it may', async (t) => {
  const { clock, one } = twoStores({ maxKeys: 20_000 })
  const limiter = createLimiter({ name: 'tested', ...BUCKET }, { store: one })
  for (let i = 0; i < 18_000; i++) limiter.take(`key ${i}`)
  t.same(one.stats(), { keys: 18_000, maxKeys: 20_000, forgotten: 0 })
  for (let i = 18_000; i < 30_000; i++) limiter.take(`key ${i}`)
  const { keys, forgotten } = one.stats()
  t.equal(keys, 20_000)
  t.equal(forgotten, 10_000)
  clock.advance(3_600_000)
  t.equal(one.sweep(), 20_000)
  t.equal(one.stats().keys, 0)
})

test('a thread makes room among keys of policies that it never opened', async (t) => {
  const { one, two } = twoStores({ maxKeys: 3 })
  const bucket = createLimiter({ name: 'bucket', ...BUCKET }, { store: one })
  const window = createLimiter({ name: 'window', ...WINDOW, rate: 8 }, { store: one })
  bucket.take('spent', { cost: 4 })
  bucket.take('spent')
  window.take('little', { cost: 1 })
  window.take('much', { cost: 6 })
  const other = createLimiter({ name: 'other', rate: 2, per: 'day' }, { store: two })
  other.take('new')
  t.same([remaining(bucket, 'spent'), remaining(window, 'little'), remaining(window, 'much')], [0, 8, 2])
  t.same(two.stats(), { keys: 3, maxKeys: 3, forgotten: 1 })
})

test('a key that is being denied is forgotten last', async (t) => {
  for (const policy of [
    { ...BUCKET, burst: 1 },
    { ...WINDOW, rate: 1 },
  ]) {
    const { one } = twoStores({ maxKeys: 3 })
    const limiter = createLimiter({ name: 'tested', ...policy }, { store: one })
    for (let i = 0; i < 3; i++) limiter.take('denied')
    limiter.refund('denied', 0)
    for (let i = 0; i < 100; i++) limiter.take(`flood ${i}`)
    t.equal(limiter.peek('denied').allowed, false, `${policy.name}`)
  }
})

test('where rings find no room, keys closest to unlimited make it, and no others', async (t) => {
  const { one } = twoStores({ maxKeys: 100, maxUnits: 256 })
  const window = createLimiter(
    { name: 'window', algorithm: 'sliding-window', rate: 60, per: 'day' },
    { store: one },
  )
  const bucket = createLimiter({ name: 'bucket', ...BUCKET }, { store: one })
  bucket.take('bucket')
  for (let i = 0; i < 16; i++) window.take(`key ${i}`, { cost: 7 + (i % 2) })
  t.equal(one.stats().forgotten, 0, 'sixteen rings of 14 units fill it')
  t.match(window.take('large', { cost: 30 }), { allowed: true, remaining: 30 })
  const { forgotten } = one.stats()
  t.ok(forgotten >= 2, `${forgotten} made room`)
  t.equal(remaining(bucket, 'bucket'), 3, 'a key without a ring has nothing to give')
  for (let i = 1; i < 62; i++) window.take('whole', { cost: 1 })
  t.equal(remaining(window, 'whole'), 0, 'a key may have half of it')
  t.equal(window.take('whole').allowed, false)
})

test('a window that is larger than half of a part is refused, and told what would do', async (t) => {
  const open = (maxUnits: number | undefined, rate: number) =>
    createLimiter(
      { name: 'tested', algorithm: 'sliding-window', rate, per: 'day' },
      { store: sharedStore({ memory: createSharedMemory({ maxUnits }) }) },
    )
  open(undefined, 32_766)
  t.throws(() => open(undefined, 32_767), {
    code: 'FST_FLOODGATE_OPTION',
    message:
      /^option 'rate' is 32767; allowed: at most 32766 in a sliding window here; maxUnits: 4194304 has room for it/,
  })
  open(4_194_304, 32_767)
})

test('windows that find no room together deny, and charge nothing', async (t) => {
  const { clock, one } = twoStores({ maxKeys: 100, maxUnits: 64 })
  const window = (name: string): PolicyOptions => ({
    name,
    algorithm: 'sliding-window',
    rate: 30,
    per: 'hour',
  })
  const policies = [window('one'), window('two'), window('three'), { ...BUCKET, name: 'four', burst: 40 }]
  const limiter = createLimiter({ name: 'tested', policies }, { store: one })
  t.match(limiter.take('key', { cost: 20 }), {
    allowed: false,
    policy: 'three',
    violated: ['three'],
    retryAfter: 3_600_000,
  })
  const told = policies.map(({ name }, i) => [name, i])
  t.equal(told.length, 4)
  t.equal(remaining(limiter, 'key'), 30, 'no policy was charged')
  clock.advance(1)
  const alone = createLimiter({ name: 'alone', ...window('one') }, { store: one })
  t.match(alone.take('key', { cost: 30 }), { allowed: true, remaining: 0 }, 'one alone finds room')
})

test('more than 1,024 different policies in one memory are refused; the same one again is not', async (t) => {
  const { one, two } = twoStores()
  for (let rate = 1; rate <= 1024; rate++) createLimiter({ name: `rate ${rate}`, rate }, { store: one })
  t.throws(() => createLimiter({ name: 'too many', rate: 1025 }, { store: two }), {
    code: 'FST_FLOODGATE_OPTION',
    message: /at most 1024 different policies in one memory/,
  })
  t.match(createLimiter({ name: 'last', rate: 1024 }, { store: two }).take('key'), {
    allowed: true,
    remaining: 9,
  })
})

test('a policy that no limiter has compiled is refused', async (t) => {
  const plain = { name: 'plain', algorithm: 'token-bucket', rate: 1, per: 1000, limit: 1 } as const
  const { one } = twoStores()
  t.throws(() => one.open(plain, 'space'), { code: 'FST_FLOODGATE_OPTION', message: /'policy' is an object/ })
})

test('without a clock time is that of the process', async (t) => {
  const memory = createSharedMemory()
  const limiter = createLimiter({ name: 'tested', rate: 1, per: 'hour' }, { store: sharedStore({ memory }) })
  t.match(limiter.take('key'), { allowed: true, remaining: 0, resetAfter: 3_600_000 })
  const { resetAfter } = limiter.peek('key')
  t.ok(resetAfter > 3_500_000 && resetAfter <= 3_600_000)
})

test('a call that runs out of stack charges nothing and blocks nobody', async (t) => {
  const { one, two } = twoStores({ maxKeys: 100 })
  const policies = [WINDOW, BUCKET]
  const [mine, yours] = [one, two].map((store) => createLimiter({ name: 'tested', policies }, { store }))
  let overflows = 0
  let allowed = 0
  let levels = 0
  // On the way back from where the stack ends, each level has a little more of it.
  const dive = (): void => {
    try {
      dive()
    } catch {
      overflows++
    }
    try {
      if (levels++ < 500 && mine.take(`key ${levels % 50}`).allowed) allowed++
    } catch {
      overflows++
    }
  }
  dive()
  let spent = 0
  for (let i = 0; i < 50; i++) spent += 4 - remaining(yours, `key ${i}`)
  t.ok(overflows > 5, `${overflows} of them`)
  t.ok(allowed > 50, `${allowed} allowed`)
  t.equal(spent, allowed)
})

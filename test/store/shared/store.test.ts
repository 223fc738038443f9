import { setImmediate } from 'node:timers/promises'
import t, { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import type { SyncStoreLimiter } from '../../../lib/limiter/store-limiter.js'
import { compilePolicy } from '../../../lib/policy/index.js'
import { newCharge } from '../../../lib/store/index.js'
import type { SharedStore } from '../../../lib/store/shared/store.js'
import { createSharedMemory, type SharedMemoryOptions, sharedStore } from '../../../lib/threads.js'
import type { Denied, Limiter, PolicyOptions, SyncStore } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { PLAIN_POLICY } from '../../fixtures/plain-policy.js'
import { storeContract } from '../../fixtures/store-contract.js'
import { codes, emitted } from '../../plugin/support/warnings.js'

storeContract(t, {
  name: 'shared',
  open: ({ maxKeys, clock }) => sharedStore({ memory: createSharedMemory({ maxKeys }), clock }),
})

const BUCKET: PolicyOptions = { name: 'bucket', rate: 60, per: 'hour', burst: 4 }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: 4, per: 'hour' }

/** Two stores over one memory. For the memory they are one thread. */
function twoStores(options: SharedMemoryOptions = {}) {
  const memory = createSharedMemory(options)
  const clock = new ManualClock(1_000_000)
  return { memory, clock, one: sharedStore({ memory, clock }), two: sharedStore({ memory, clock }) }
}

function remaining(limiter: Limiter, key: string): number {
  return limiter.peek(key, { cost: 0 }).remaining
}

for (const policy of [BUCKET, WINDOW]) {
  test(`a charge, a refund and a reset by one store count in the other: ${policy.name}`, async (t) => {
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

test('a full table finds every key, however far from its home', async (t) => {
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

test('threads that open the same policies of a name in the same order share their keys, and no others', async (t) => {
  const { one, two } = twoStores()
  const limiters = (store: SyncStore) => [
    createLimiter({ name: 'a', ...BUCKET }, { store }),
    createLimiter({ name: 'a', ...BUCKET }, { store }),
    createLimiter({ name: 'b', ...BUCKET }, { store }),
    createLimiter({ name: 'a', ...BUCKET, burst: 5 }, { store }),
  ]
  const mine = limiters(one)
  // The other store also opens something else before them.
  createLimiter({ name: 'elsewhere', rate: 7 }, { store: two })
  const yours = limiters(two)
  for (const [i, limiter] of mine.entries()) limiter.take('key', { cost: i + 1 })
  t.same(
    yours.map((limiter) => remaining(limiter, 'key')),
    [3, 2, 1, 1],
  )
})

test('for a thread whose clock is behind no time passes, and nothing is granted', async (t) => {
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
  t.match(
    mine.peek('key'),
    { allowed: false, retryAfter: 60_000 },
    'the clock that is behind sees no time pass',
  )
  early.advance(69_999)
  t.match(mine.peek('key'), { allowed: false, retryAfter: 1 })
  early.advance(1)
  t.equal(mine.peek('key').allowed, true)
})

test('a thread whose clock is behind gives no units of a bucket away', async (t) => {
  const memory = createSharedMemory()
  const [early, late] = [new ManualClock(5000), new ManualClock(5000)]
  const [mine, yours] = [early, late].map((clock) =>
    createLimiter({ name: 'tested', rate: 60, burst: 3 }, { store: sharedStore({ memory, clock }) }),
  )
  late.advance(10_000)
  yours.take('key', { cost: 3 })
  t.match(mine.take('key'), { allowed: false, remaining: 0 })
  mine.refund('key')
  t.equal(remaining(yours, 'key'), 1, 'one unit comes back, and no more')
  yours.take('key')
  let waited = 0
  for (; !mine.take('key').allowed; waited++) early.advance(1000)
  t.equal(waited, 11, 'a second after the time of the charge')
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

test('a store of many parts forgets few keys before it is full, and never holds more than maxKeys', async (t) => {
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

test('a key that is denied for long outlives those that are denied for a moment', async (t) => {
  for (const [cheap, expensive] of [
    [
      { ...BUCKET, burst: 1 },
      { ...BUCKET, rate: 1, burst: 2 },
    ],
    [{ ...WINDOW, rate: 1, per: 'minute' }, WINDOW],
    [
      { ...WINDOW, rate: 1, per: 'minute' },
      { ...BUCKET, rate: 1, burst: 2 },
    ],
    [{ ...BUCKET, burst: 1 }, WINDOW],
  ] as PolicyOptions[][]) {
    const { one } = twoStores({ maxKeys: 8 })
    const login = createLimiter({ ...expensive, name: 'login' }, { store: one })
    const search = createLimiter({ ...cheap, name: 'search' }, { store: one })
    const deny = (limiter: Limiter, key: string) => {
      limiter.take(key, { cost: limiter.policies[0].limit })
      t.equal(limiter.take(key).allowed, false)
    }
    deny(login, 'guesser')
    for (let i = 0; i < 100; i++) deny(search, `stranger ${i}`)
    t.equal(login.peek('guesser').allowed, false, `${cheap.name}, then ${expensive.name}`)
  }
})

/** A policy that blocks for a day, and longer each time. */
const HARSH: PolicyOptions = { ...BUCKET, name: 'harsh', burst: 1, block: { for: '1 day', factor: 2 } }
const DAY = 86_400_000

/** Takes until the key is denied. Returns the denial. */
function deny(limiter: Limiter, key: string): Denied {
  for (;;) {
    const decision = limiter.take(key)
    if (!decision.allowed) return decision
  }
}

/** The buckets of a limiter as charges of one unit of a key. */
function chargesOf(limiter: Limiter, key: string) {
  return (limiter as SyncStoreLimiter).buckets.map((bucket) => ({ ...newCharge(bucket), key }))
}

for (const policy of [BUCKET, WINDOW]) {
  test(`a key that one store blocks is blocked in the other, until the end: ${policy.name}`, async (t) => {
    const { clock, one, two } = twoStores()
    const blocking = { ...policy, block: '1 day' } as const
    const [mine, yours] = [one, two].map((store) => createLimiter({ ...blocking, name: 'tested' }, { store }))
    t.match(deny(mine, 'key'), { blocked: true, retryAfter: DAY })
    clock.advance(DAY - 0.001)
    t.match(yours.take('key'), { allowed: false, blocked: true, remaining: 0, retryAfter: 1, resetAfter: 1 })
    yours.refund('key', 4)
    t.equal(mine.take('key').allowed, false, 'a refund lifts no block')
    clock.advance(0.001)
    yours.refund('key', 4)
    t.match(mine.take('key', { cost: 4 }), { allowed: true, remaining: 0 }, 'then the key is as new')
    one.block(chargesOf(mine, 'key'), 5000)
    t.match(yours.peek('key'), { allowed: false, blocked: true, retryAfter: 5000 })
    one.block(chargesOf(mine, 'key'), 1000)
    t.match(yours.peek('key'), { retryAfter: 1000 }, 'a block by hand replaces what was there')
    yours.reset('key')
    t.match(mine.peek('key', { cost: 0 }), { allowed: true, remaining: 4 })
    t.equal(one.stats().keys, 0)
  })

  test(`a blocked key outlives strangers in a full store: ${policy.name}`, async (t) => {
    const { one, two } = twoStores({ maxKeys: 8, maxUnits: 64 })
    const blocking = createLimiter({ ...policy, name: 'blocking', block: '1 day' }, { store: one })
    deny(blocking, 'key')
    const strangers = createLimiter({ name: 'strangers', policies: [BUCKET, WINDOW] }, { store: two })
    for (let i = 0; i < 200; i++) deny(strangers, `stranger ${i}`)
    t.match(blocking.take('key'), { blocked: true })
    t.equal(one.stats().keys, 8)
  })
}

test('the window of a blocked key gives its units back, and gets new ones after the block', async (t) => {
  const { clock, one } = twoStores({ maxKeys: 100, maxUnits: 64 })
  const large = { ...WINDOW, rate: 30 }
  const blocking = createLimiter({ ...large, name: 'blocking', block: '1 hour' }, { store: one })
  const other = createLimiter({ ...large, name: 'other' }, { store: one })
  deny(blocking, 'key')
  for (const key of ['a', 'b']) t.equal(other.take(key, { cost: 30 }).allowed, true, 'both halves are free')
  t.match(one.stats(), { keys: 3, forgotten: 0 })
  clock.advance(3_600_000)
  for (let i = 0; i < 30; i++) t.equal(blocking.take('key').remaining, 29 - i)
  t.match(deny(blocking, 'key'), { blocked: true })
})

test('blocks grow, until they are forgotten', async (t) => {
  const { clock, one, two } = twoStores()
  const [mine, yours] = [one, two].map((store) => createLimiter({ ...HARSH, name: 'tested' }, { store }))
  const grow = () => {
    for (const days of [1, 2, 4]) {
      t.equal(deny(mine, 'key').retryAfter, days * DAY)
      t.equal(deny(yours, 'key').retryAfter, days * DAY, 'a denial while it is blocked changes nothing')
      clock.advance(days * DAY)
    }
    t.equal(one.stats().keys, 2, 'the key and its earlier blocks')
  }
  grow()
  clock.advance(DAY - 0.001)
  t.equal(deny(mine, 'key').retryAfter, 8 * DAY)
  clock.advance(9 * DAY)
  grow()
  clock.advance(DAY)
  t.equal(two.sweep(), 2, 'forgotten a day after the end of the last one')
  grow()
  yours.reset('key')
  t.equal(one.stats().keys, 0)
  t.equal(deny(mine, 'key').retryAfter, DAY, 'or by a reset')
})

test('a denial in a full store blocks its own key, wherever that moves', async (t) => {
  const { one } = twoStores({ maxKeys: 40 })
  const limiter = createLimiter({ ...HARSH, name: 'tested' }, { store: one })
  const wrong = Array.from({ length: 2000 }, (_, i) => `key ${i}`).filter((key) => {
    limiter.take(key)
    return limiter.take(key).allowed || limiter.peek(key, { cost: 0 }).allowed
  })
  t.same(wrong, [])
  t.equal(one.stats().keys, 40)
})

test('a full store forgets earlier blocks before any key, and holds no more than maxKeys', async (t) => {
  const { clock, one } = twoStores({ maxKeys: 3 })
  const limiter = createLimiter({ ...HARSH, name: 'tested' }, { store: one })
  deny(limiter, 'a')
  t.equal(one.stats().keys, 2)
  const others = createLimiter({ name: 'others', ...BUCKET, burst: 100 }, { store: one })
  for (const key of ['b', 'c']) others.take(key)
  t.match(one.stats(), { keys: 3, forgotten: 1 })
  t.same([remaining(others, 'b'), remaining(others, 'c')], [99, 99])
  clock.advance(DAY)
  t.equal(deny(limiter, 'a').retryAfter, DAY, 'which is a first block again')

  const { clock: small, one: single } = twoStores({ maxKeys: 1 })
  const alone = createLimiter({ ...HARSH, name: 'tested' }, { store: single })
  for (let i = 0; i < 3; i++) {
    t.equal(deny(alone, 'key').retryAfter, DAY, 'without room for a count, each is a first one')
    t.equal(single.stats().keys, 1)
    small.advance(DAY)
  }
})

test('a key that one call charges twice is blocked once', async (t) => {
  const { clock, one } = twoStores()
  const limiter = createLimiter({ ...HARSH, name: 'tested', burst: 2 }, { store: one })
  const charges = [...chargesOf(limiter, 'key'), ...chargesOf(limiter, 'key')]
  t.equal(one.take(charges), true)
  t.equal(one.take(charges), false)
  t.same(
    charges.map(({ blocked, retryAfter }) => [blocked, retryAfter]),
    [
      [true, DAY],
      [true, DAY],
    ],
  )
  clock.advance(DAY)
  t.equal(deny(limiter, 'key').retryAfter, 2 * DAY)
})

test('a window that finds no room denies and blocks nobody', async (t) => {
  const { one } = twoStores({ maxKeys: 100, maxUnits: 64 })
  const policies = ['one', 'two', 'three'].map((name) => ({
    ...WINDOW,
    name,
    rate: 30,
    block: 'day' as const,
  }))
  const limiter = createLimiter({ name: 'tested', policies }, { store: one })
  const denied = limiter.take('key', { cost: 20 })
  t.match(denied, { allowed: false, policy: 'three', retryAfter: 3_600_000, blocked: undefined })
  t.match(limiter.peek('key', { cost: 0 }), { allowed: true, remaining: 30 })
  const [first, ...others] = chargesOf(limiter, 'key')
  for (const charge of [first, ...others]) charge.cost = 30
  t.equal(one.take(others), true)
  t.equal(one.take([{ ...first, cost: 31 }]), false)
  t.equal(one.peek([first]), true, 'nor does a cost that never fits')
})

test('a bucket opened in the space of another shares its keys exactly if the laws are equal', async (t) => {
  const { one, two } = twoStores()
  const open = (store: typeof one, burst: number, space: unknown) =>
    newCharge((store as SharedStore).open(compilePolicy({ rate: 60, burst }, 'x'), space as string))
  const [mine, yours] = [open(one, 5, 'a'), open(two, 5, 'a')]
  const charges = [open(one, 3, mine.bucket), open(two, 3, yours.bucket), open(two, 5, yours.bucket)]
  for (const charge of [mine, ...charges]) Object.assign(charge, { key: 'key', cost: 1 })
  for (const charge of [mine, ...charges.slice(0, 2)]) one.take([charge])
  one.peek(charges)
  t.same(
    charges.map(({ remaining }) => remaining),
    [1, 1, 4],
  )
})

test('a ring that finds no room gets that of the window keys closest to unlimited', async (t) => {
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

test('a window that is larger than half of a part is refused, with the maxUnits that would do', async (t) => {
  const open = (maxUnits: number | undefined, policy: PolicyOptions) =>
    createLimiter(
      { name: 'tested', ...policy },
      { store: sharedStore({ memory: createSharedMemory({ maxUnits }) }) },
    )
  const laws: [string, (units: number) => PolicyOptions][] = [
    ['rate', (rate) => ({ algorithm: 'sliding-window', rate, per: 'day' })],
    ['limit', (limit) => ({ algorithm: 'concurrency', limit })],
  ]
  for (const [option, law] of laws) {
    open(undefined, law(32_766))
    t.throws(() => open(undefined, law(32_767)), {
      code: 'FST_FLOODGATE_OPTION',
      message: `option '${option}' is 32767; allowed: at most 32766 with '${law(1).algorithm}' here; maxUnits: 4194304 has room for it`,
    })
    open(4_194_304, law(32_767))
  }
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

test('a law is part of its keys: threads that disagree about a limiter each enforce their own', async (t) => {
  const pairs: [PolicyOptions, PolicyOptions][] = [
    [{ rate: 60, per: 'hour', burst: 50 }, BUCKET],
    [{ algorithm: 'sliding-window', rate: 50, per: 'hour' }, WINDOW],
    [{ algorithm: 'sliding-window', rate: 4, per: 'minute' }, WINDOW],
    [BUCKET, WINDOW],
  ]
  for (const [theirs, ours] of pairs) {
    const { one, two } = twoStores()
    const [old, young] = [theirs, ours].map((policy, i) =>
      createLimiter({ ...policy, name: 'api' }, { store: [one, two][i] }),
    )
    let admitted = 0
    for (let i = 0; i < 20; i++) {
      old.take('key')
      if (young.take('key').allowed) admitted++
    }
    t.equal(admitted, 4)
    t.equal(remaining(old, 'key'), Math.max(0, old.policies[0].limit - 20))
    old.reset('key')
    t.equal(remaining(young, 'key'), 0, 'nor does a reset reach keys of the other law')
  }
})

test('any number of different laws may come and go, and each thread makes room among the keys of all', async (t) => {
  const { clock, one, two } = twoStores({ maxKeys: 100 })
  for (let rate = 1; rate <= 3000; rate++) {
    const store = [one, two][rate % 2]
    const policy: PolicyOptions = rate % 3 === 0 ? { algorithm: 'sliding-window', rate } : { rate }
    const { allowed, limit, remaining } = createLimiter({ name: 'plan', ...policy }, { store }).take('key')
    if (!allowed || remaining !== limit - 1) t.fail(`law ${rate}`)
  }
  t.match(one.stats(), { keys: 100, forgotten: 2900 })
  clock.advance(60_000)
  t.equal(two.sweep(), 100)
})

test('a policy that no limiter has compiled is refused', async (t) => {
  const { one } = twoStores()
  t.throws(() => one.open(PLAIN_POLICY, 'space'), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'policy' is an object/,
  })
})

test('the default clock is that of the process', async (t) => {
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
  // On the way back from the end of the stack, each level has a little more of it.
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

for (const [what, policy, spend] of [
  ['bucket', { ...BUCKET, rate: 4 }, 4],
  ['window', WINDOW, 4],
  ['block', { ...BUCKET, rate: 4, block: '1 hour' }, 4],
] as const) {
  test(`W013: a thread whose full store forgets a key that is denied warns once: ${what}`, async (t) => {
    const list = emitted(t)
    const heard: string[] = []
    const { one, two } = twoStores({ maxKeys: 4 })
    const deny = (store: SyncStore, from: number, to: number) => {
      const limiter = createLimiter({ ...policy, name: 'tested' }, { store })
      for (let i = from; i < to; i++) {
        limiter.take(`key ${i}`, { cost: spend })
        limiter.take(`key ${i}`)
      }
    }
    const lenient = createLimiter({ ...BUCKET, name: 'lenient' }, { store: one })
    for (let i = 0; i < 40; i++) lenient.take(`key ${i}`)
    await setImmediate()
    t.same(list, [], 'keys that are allowed may be forgotten')
    deny(one, 0, 40)
    t.same(list, [], 'not under the locks')
    await setImmediate()
    t.same(codes(list), ['W013'])
    two.onWarning?.((code) => heard.push(code))
    deny(two, 40, 80)
    await setImmediate()
    t.same(heard, ['FST_FLOODGATE_W013'])
    t.same(codes(list), ['W013'])
    t.ok(one.stats().forgotten > 70)
  })
}

/** The store that a limiter was made with. */
function storeOfLimiter(limiter: Limiter): SyncStore {
  return (limiter as SyncStoreLimiter).store
}

for (const back of [50, 1000, 3_600_000]) {
  test(`a store that attaches after its clock stepped back by ${back} ms locks nobody out`, async (t) => {
    const memory = createSharedMemory({ maxKeys: 100 })
    const clock = new ManualClock(1_700_000_000_000)
    const open = () =>
      createLimiter(
        { name: 'tested', rate: 10, per: 'second', burst: 5 },
        { store: sharedStore({ memory, clock }) },
      )
    const one = open()
    t.match(one.take('old'), { remaining: 4 })
    clock.advance(-back)
    const two = open()
    const limiters = [
      two,
      createLimiter({ ...WINDOW, per: 'second', name: 'window' }, { store: storeOfLimiter(two) }),
    ]
    for (const limiter of limiters)
      for (const key of ['old', 'new'])
        for (let i = 0; i < 3; i++) t.match(limiter.take(key), { allowed: true })
    two.block('key', '1 second')
    t.match(two.take('key'), { blocked: true, retryAfter: 1000 })
    clock.advance(1000)
    for (const limiter of limiters)
      for (const key of ['old', 'new'])
        t.match(limiter.peek(key), { allowed: true, remaining: limiter.policies[0].limit })
    t.match(two.take('key'), { allowed: true })
  })
}

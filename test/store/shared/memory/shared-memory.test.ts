import { test } from 'tap'
import { createLimiter } from '../../../../lib/limiter/limiter.js'
import { HEADER, layoutFor } from '../../../../lib/store/shared/memory/layout.js'
import { newMemory } from '../../../../lib/store/shared/memory/shared-memory.js'
import { createSharedMemory, sharedStore } from '../../../../lib/threads.js'

const refused = (message: RegExp) => ({ code: 'FST_FLOODGATE_MEMORY', message })

test('options that are not allowed are refused, by name', async (t) => {
  for (const [option, most] of [
    ['maxKeys', 100_000_000],
    ['maxUnits', 268_435_456],
    ['maxThreads', 1023],
  ] as const) {
    for (const value of [0, -1, 1.5, Number.NaN, most + 1, '10', null]) {
      t.throws(() => createSharedMemory({ [option]: value } as never), {
        code: 'FST_FLOODGATE_OPTION',
        message: new RegExp(`^option '${option}' is .*; allowed: an integer from \\d+ to ${most}$`),
      })
    }
  }
  t.throws(() => createSharedMemory({ maxkeys: 5 } as never), { code: 'FST_FLOODGATE_UNKNOWN_OPTION' })
  t.throws(() => createSharedMemory({ maxKeys: 100_000_000, maxThreads: 1023, maxUnits: 2 ** 28 }), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'maxUnits' is 268435456; allowed: less: all must fit in 8 GiB/,
  })
  const memory = createSharedMemory()
  t.throws(() => sharedStore({ memory, clock: {} as never }), {
    code: 'FST_FLOODGATE_OPTION',
    message: /'clock'/,
  })
  t.throws(() => sharedStore({ memory, maxKeys: 5 } as never), { code: 'FST_FLOODGATE_UNKNOWN_OPTION' })
  t.throws(() => sharedStore(null as never), { code: 'FST_FLOODGATE_OPTION' })
})

test('a memory has room for maxKeys keys, by default 100,000', async (t) => {
  t.same(sharedStore({ memory: createSharedMemory() }).stats(), { keys: 0, maxKeys: 100_000, forgotten: 0 })
  for (const maxKeys of [1, 2047, 4096, 5001, 1_000_003]) {
    t.equal(sharedStore({ memory: createSharedMemory({ maxKeys }) }).stats().maxKeys, maxKeys)
  }
})

test('anything but a memory is refused', async (t) => {
  for (const memory of [
    undefined,
    null,
    {},
    new ArrayBuffer(1024),
    new Int32Array(new SharedArrayBuffer(64)),
  ])
    t.throws(() => sharedStore({ memory } as never), refused(/^shared memory is none: pass what/))
  for (const bytes of [0, 8, 1001])
    t.throws(() => sharedStore({ memory: new SharedArrayBuffer(bytes) }), refused(/has an odd size/))
  t.throws(
    () => sharedStore({ memory: new SharedArrayBuffer(4096) }),
    refused(/was not made by createSharedMemory/),
  )
})

test('a memory of another version is refused, with both versions', async (t) => {
  const memory = createSharedMemory()
  new Int32Array(memory)[HEADER.VERSION] = 2
  t.throws(() => sharedStore({ memory }), refused(/has layout 2; this version of fastify-floodgate reads 4$/))
})

test('a memory whose header does not fit it is refused', async (t) => {
  const memory = createSharedMemory({ maxKeys: 100 })
  const words = new Int32Array(memory)
  for (const [field, values] of [
    [HEADER.MAX_KEYS, [0, -1, 110, 200_000_000, 2 ** 31 - 1]],
    [HEADER.MAX_THREADS, [0, -1, 63, 5000]],
    [HEADER.ORDER, [-1, 0, 3, 15, 31]],
  ] as const) {
    const before = words[field]
    for (const value of values) {
      words[field] = value
      t.throws(
        () => sharedStore({ memory }),
        refused(/^shared memory of \d+ bytes is not of the size that it says$/),
      )
    }
    words[field] = before
  }
  sharedStore({ memory })
  t.throws(() => sharedStore({ memory: memory.slice(0, memory.byteLength - 8) }), refused(/not of the size/))
})

test('a system that cannot tell when a thread has ended is refused', async (t) => {
  const layout = layoutFor({})
  t.throws(() => newMemory(layout, 0), refused(/^shared memory cannot be used here: neither/))
  const memory = newMemory(layout, 77)
  t.throws(() => sharedStore({ memory }), refused(/^shared memory cannot be used here: neither/))
})

test('any number of stores in one thread count as one thread', async (t) => {
  const memory = createSharedMemory({ maxThreads: 1 })
  const policy = { name: 'tested', rate: 5 }
  createLimiter(policy, { store: sharedStore({ memory }) }).take('key')
  const again = createLimiter(policy, { store: sharedStore({ memory }) })
  t.equal(again.take('key').remaining, 3, 'both stores share their keys')
})

test('memory that is never used costs nothing', async (t) => {
  const before = process.memoryUsage().rss
  const memory = createSharedMemory({ maxKeys: 10_000_000 })
  sharedStore({ memory })
  const grown = process.memoryUsage().rss - before
  t.ok(memory.byteLength > 200 * 2 ** 20)
  t.ok(grown < memory.byteLength / 4, `${grown} of ${memory.byteLength} bytes`)
})

import { test } from 'tap'
import { createLimiter } from '../../../../lib/limiter/limiter.js'
import { Locks } from '../../../../lib/store/shared/locking/locks.js'
import { Cells } from '../../../../lib/store/shared/memory/cells.js'
import { isLatch, LINE_WORDS, OWNER, OWNER_WORDS } from '../../../../lib/store/shared/memory/layout.js'
import { World } from '../../../fixtures/threads/thread-simulation.js'

function locksOf(world: World, name: number, mostNaps = 20): Locks {
  const lifeline = { name, gone: (other: number) => world.dead.has(other) }
  return new Locks(new Cells(world.memory), world.layout, lifeline, mostNaps)
}

test('a lock is held by one thread until it is given back', async (t) => {
  const world = new World({ maxKeys: 10 })
  const [one, two] = [locksOf(world, 1), locksOf(world, 2)]
  const { pages } = world.layout
  one.lock(pages)
  t.throws(() => two.lock(pages), {
    code: 'FST_FLOODGATE_MEMORY',
    message: /^shared memory is locked by a thread that is alive/,
  })
  one.unlock(pages)
  two.lock(pages)
  world.dead.add(2)
  one.lock(pages)
  one.lock(pages)
  t.equal(new Int32Array(world.memory)[pages], one.ticket, 'taken over from one that has ended')
})

test('a lock that holds what is no ticket is taken', async (t) => {
  const world = new World({ maxKeys: 10, maxThreads: 2 })
  const locks = locksOf(world, 1)
  const words = new Int32Array(world.memory)
  for (const garbage of [-1, 3, 1023, 1024, 0x7fffffff, 2]) {
    words[world.layout.pages] = garbage
    locks.lock(world.layout.pages)
    t.equal(words[world.layout.pages], locks.ticket, `${garbage}`)
    locks.unlock(world.layout.pages)
  }
})

test('a latch that holds what is no ticket, or that of a thread that has ended, keeps nobody from the keys in its line', async (t) => {
  const world = new World({ maxKeys: 10, maxThreads: 3 })
  const limiter = createLimiter({ name: 'tested', rate: 10 }, { store: world.store(1) })
  limiter.take('key')
  const words = new Int32Array(world.memory)
  const { layout } = world
  const latches = Array.from({ length: layout.tableWords }, (_, i) => layout.tables + i).filter((at) =>
    isLatch(layout, at),
  )
  t.equal(latches.length, layout.slots / 3)
  const ended = locksOf(world, 2).ticket
  world.dead.add(2)
  for (const held of [-1, 3, 1023, 0x7fffffff, ended]) {
    const { remaining } = limiter.peek('key')
    for (const latch of latches) words[latch] = held
    t.equal(limiter.take('key').remaining, remaining - 1, `${held}`)
    for (const latch of latches) words[latch] = 0
  }
})

test('a journal counts for the line whose latch its owner has, and for no other', async (t) => {
  const world = new World({ maxKeys: 10 })
  const { layout } = world
  const [one, two] = [locksOf(world, 1), locksOf(world, 2)]
  const words = new Int32Array(world.memory)
  const [latch, page] = [layout.tables, layout.pages]
  t.equal(one.takeLatch(latch, page), true)
  t.equal(two.takeLatch(latch, page), false, 'nobody else gets it')
  one.journal.save(latch + 3, 2)
  one.journal.save(latch + 15, 2)
  one.journal.save(latch + LINE_WORDS + 3, 1)
  for (const at of [3, 4, 15, LINE_WORDS, LINE_WORDS + 3]) words[latch + at] = 7
  world.dead.add(1)
  two.lock(page)
  two.awaitLatch(latch)
  t.same([...words.slice(latch, latch + 5)], [0, 0, 0, 0, 0])
  t.same([words[latch + 15], words[latch + LINE_WORDS], words[latch + LINE_WORDS + 3]], [7, 7, 7])
  t.equal(two.takeLatch(latch, page), false, 'nor does anybody while the part is locked')
  t.equal(words[latch], 0)
  two.unlock(page)
  t.equal(two.takeLatch(latch, page), true)
  for (const elsewhere of [latch + 1, latch - LINE_WORDS, layout.words, -16, page]) {
    words[layout.owners + OWNER_WORDS + OWNER.LATCH] = elsewhere
    t.equal(isLatch(layout, elsewhere), false, `${elsewhere} is no latch`)
  }
})

test('a thread whose things another has been putting in order for long gives up, and not for ever', async (t) => {
  const world = new World({ maxKeys: 10 })
  const [one, two] = [locksOf(world, 1, 5), locksOf(world, 2)]
  const words = new Int32Array(world.memory)
  const rescuer = world.layout.owners + OWNER.RESCUER
  words[one.brokenAt] = 1
  words[rescuer] = two.ticket
  t.throws(() => one.begin(), {
    code: 'FST_FLOODGATE_MEMORY',
    message: /put in order by a thread that does not go on/,
  })
  for (const stale of [two.ticket + 1024, 77, two.ticket]) {
    words[one.brokenAt] = 1
    words[rescuer] = stale
    if (stale === two.ticket) world.dead.add(2)
    one.begin()
    t.equal(words[one.brokenAt], 0, 'it takes over from one that will not go on')
    t.equal(words[rescuer], 0)
  }
})

test('as many threads may use a memory as it was made for, and one that has ended makes room', async (t) => {
  const world = new World({ maxKeys: 10, maxThreads: 3 })
  const tickets = [1, 2, 3].map((name) => locksOf(world, name).ticket)
  t.throws(() => locksOf(world, 4), {
    code: 'FST_FLOODGATE_MEMORY',
    message: 'shared memory is used by 3 threads already: maxThreads allows no more',
  })
  world.dead.add(2)
  tickets.push(locksOf(world, 4).ticket)
  t.equal(new Set(tickets).size, 4, 'and no two have the same ticket')
  t.equal(locksOf(world, 4).ticket, tickets[3], 'a thread that comes again is known')
})

test('a journal that overflows or makes no sense writes nowhere else', async (t) => {
  const world = new World({ maxKeys: 10 })
  const store = world.store(1)
  const limiter = createLimiter({ name: 'tested', rate: 10 }, { store })
  limiter.take('key')
  const { layout } = world
  const words = new Int32Array(world.memory)
  const header = words.slice(0, layout.pages)
  const entries: number[][] = [
    [7, layout.pages - 1, 1],
    [7, 7, layout.tables - 1, 2],
    [7, 0, 1],
    [7, -5, 1],
    [7, layout.words, 1],
    [7, layout.tables, -1],
    [7, layout.tables, 1_000_000],
    [7, layout.pages + 64, 1],
  ]
  for (const entry of entries) {
    const count = layout.owners + OWNER.JOURNALED
    words.set(entry, layout.journals)
    words[count] = entry.length
    words[layout.pages] = 1025
    words[layout.owners + OWNER.BROKEN] = 1
    t.equal(limiter.peek('key').remaining, 9, `${entry}`)
    header.forEach((word, at) => {
      if (at < layout.owners || at >= layout.owners + OWNER_WORDS)
        if (words[at] !== word) t.fail(`word ${at}`)
    })
  }
  words[layout.owners + OWNER.JOURNALED] = 2 ** 30
  t.match(limiter.take('key'), { allowed: true, remaining: 8 })
})

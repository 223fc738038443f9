import { stopCoverage } from 'node:v8'
import t, { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import type { SyncStoreLimiter } from '../../../lib/limiter/store-limiter.js'
import { newCharge } from '../../../lib/store/charge.js'
import { sharedStore } from '../../../lib/threads.js'
import type { PolicyOptions } from '../../../types/index.js'
import { assertConsistent } from '../../fixtures/threads/assert-consistent.js'
import { Board } from '../../fixtures/threads/board.js'
import { CALL, COMMON, HOLD, RESTS, ROUND } from '../../fixtures/threads/jobs.js'

// Real threads on a clock that only the tests move: units in progress, blocks, and calls that are held.
t.setTimeout(120_000)
stopCoverage()

const THREADS = 4
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

/** The limiter of this thread on the memory of a board. */
function limiterOn(board: Board, policy: PolicyOptions) {
  const store = sharedStore({ memory: board.memory, clock: board.clock })
  return createLimiter({ ...policy, name: 'tested' }, { store })
}

for (const { limit, victims } of [
  { limit: 3, victims: 0 },
  { limit: 5, victims: 3 },
]) {
  test(`4 threads never have more than ${limit} units in progress, and those of ended threads are back after the hold: 2 and ${victims} terminated`, async (t) => {
    const policy: PolicyOptions = { algorithm: 'concurrency', limit, hold: '1 hour' }
    const board = new Board('hold', policy, THREADS + 2 + victims)
    const working = Array.from({ length: THREADS }, () => board.start())
    const limiter = limiterOn(board, policy)
    const out = () => limit - limiter.peek('key', { cost: 0 }).remaining
    /** Whether a thread has ended some work, or can end none because ended threads hold all units. */
    const hasWorked = (number: number) => board.own(number, HOLD.ENDED) > 20 || out() === limit
    const replace = async (i: number) => {
      await board.terminate(working[i])
      working[i] = board.start()
    }
    for (let i = 0; i < 2; i++) {
      await board.until(() => working.every(hasWorked))
      board.set(COMMON.KEEPER, working[i] + 1)
      await board.until(() => board.own(working[i], HOLD.KEPT) === 1)
      await replace(i)
    }
    board.set(COMMON.KEEPER, 0)
    // These end at any moment.
    for (let i = 0; i < victims; i++) {
      await board.until(() => hasWorked(working[i]))
      await replace(i)
    }
    await board.until(() => working.every(hasWorked))
    await board.stop()
    const all = (word: number) => sum(board.numbers.map((number) => board.own(number, word)))
    const [held, asked, most] = [all(HOLD.HOLDING), all(HOLD.ASKING), board.words[COMMON.MOST]]
    t.ok(most > 1 && most <= limit, `${most} at once`)
    t.ok(
      held >= 1 && held <= out() && out() <= asked,
      `${held} held for ever, ${asked} perhaps, ${out()} count`,
    )
    const before = out()
    board.words[COMMON.CLOCK] += HOUR - 1
    t.equal(out(), before, 'until the hold is over')
    board.words[COMMON.CLOCK] += 1
    t.equal(out(), 0)
    t.equal(limiter.take('key', { cost: limit }).allowed, true)
    t.doesNotThrow(() => assertConsistent(board.memory))
  })
}

test('no thread gets the unit that another one renews', async (t) => {
  const policy: PolicyOptions = { algorithm: 'concurrency', limit: 1, hold: '1 hour' }
  const board = new Board('hold', policy, 3)
  const store = sharedStore({ memory: board.memory, clock: board.clock })
  const limiter = createLimiter({ ...policy, name: 'tested' }, { store }) as SyncStoreLimiter
  const charge = { ...newCharge(limiter.buckets[0]), key: 'key' }
  t.equal(store.take([charge]), true)
  for (let i = 0; i < 2; i++) board.start()
  await board.until(() => board.numbers.every((number) => board.own(number, HOLD.ASKING) === 1))
  let renewed = 0
  for (let i = 0; i < 20_000; i++) if (store.renew(charge)) renewed++
  await board.stop()
  t.equal(renewed, 20_000)
  t.equal(sum(board.numbers.map((number) => board.own(number, HOLD.ENDED))), 0)
  store.refund([charge])
  t.equal(store.take([charge]), true)
})

const BUCKET: PolicyOptions = { rate: 1, per: 'day', burst: 2 }
const WINDOW: PolicyOptions = { algorithm: 'sliding-window', rate: 2, per: '30 days' }

for (const law of [BUCKET, WINDOW]) {
  const begins = `4 threads begin a block once, and none of them shortens or prolongs it: ${law.algorithm ?? 'token-bucket'}`
  test(begins, async (t) => {
    const policy: PolicyOptions = { ...law, block: { for: '1 minute', factor: 2, forget: '10 days' } }
    const rounds = 6
    const board = new Board('be denied', policy, THREADS + rounds)
    board.set(COMMON.ROUND, -1)
    const working = Array.from({ length: THREADS }, () => board.start())
    const own = (number: number, round: number, word: number) => board.own(number, round * ROUND.WORDS + word)
    for (let round = 0; round < rounds; round++) {
      board.set(COMMON.ROUND, round)
      await board.until(() => working.every((number) => own(number, round, ROUND.DENIED) > 50))
      // One thread ends at any moment, and another comes.
      await board.terminate(working[round % THREADS])
      const number = board.start()
      working[round % THREADS] = number
      await board.until(() => own(number, round, ROUND.DENIED) > 50)
      board.set(COMMON.ROUND, -1)
      // A call that has read the clock and then stands still for a whole block would begin one in the past.
      await board.until(() => working.every((number) => board.own(number, RESTS) === 1))
      board.words[COMMON.CLOCK] += MINUTE * 2 ** round
    }
    await board.stop()
    for (let round = 0; round < rounds; round++) {
      const denied = board.numbers.filter((number) => own(number, round, ROUND.DENIED) > 0)
      const told = denied.flatMap((number) => [
        own(number, round, ROUND.SHORTEST),
        own(number, round, ROUND.LONGEST),
      ])
      t.same([...new Set(told)], [MINUTE * 2 ** round], `block ${round + 1}`)
      t.ok(
        sum(board.numbers.map((number) => own(number, round, ROUND.ALLOWED))) <= 2,
        'after it the key is as new',
      )
    }
    t.doesNotThrow(() => assertConsistent(board.memory))
  })
}

test('4 threads are held in the order in which they came, and no two for the same unit', async (t) => {
  const policy: PolicyOptions = { rate: 100, per: 'second', burst: 3, wait: '1 minute' }
  const board = new Board('wait', policy, THREADS)
  for (let i = 0; i < THREADS; i++) board.start()
  await board.until(() => board.numbers.every((number) => board.own(number, 0) >= 1000))
  await board.stop()
  const calls = board.numbers.flatMap((number) =>
    Array.from({ length: board.own(number, 0) }, (_, i) => {
      const word = (field: number) => board.own(number, 1 + i * CALL.WORDS + field)
      return { began: word(CALL.BEGAN), ended: word(CALL.ENDED), delay: word(CALL.DELAY) }
    }),
  )
  calls.sort((a, b) => a.delay - b.delay)
  t.same(
    calls.map(({ delay }) => delay),
    calls.map((_, i) => Math.max(0, (i - 2) * 10)),
    'each waits for a unit of its own',
  )
  let overtaken = 0
  let firstEnd = Number.POSITIVE_INFINITY
  // From the last on: none had ended before one began that goes on earlier.
  for (const { began, ended, delay } of calls.reverse()) {
    if (delay > 0 && began > firstEnd) overtaken++
    firstEnd = Math.min(firstEnd, ended)
  }
  t.equal(overtaken, 0)
})

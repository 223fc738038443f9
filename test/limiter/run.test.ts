import { type Test, test } from 'tap'
import { createLimiter } from '../../lib/limiter/limiter.js'
import type { Denied, DeniedError, PolicyOptions } from '../../types/index.js'
import { overBoth, type Timed } from './both-stores.js'

const HELD: PolicyOptions = { name: 'held', rate: 1, per: 'second', burst: 1, wait: '5 seconds' }
const TWO: PolicyOptions = { name: 'two', algorithm: 'concurrency', limit: 2, hold: '1 minute' }
const MINUTE = 60_000

/** A limiter over both stores, and the units that it has left. */
function both(
  title: string,
  policies: PolicyOptions[],
  body: (t: Test, room: Timed & { remaining(): Promise<number> }) => Promise<unknown>,
  maxWaiting?: number,
): void {
  const test = (t: Test, room: Timed) => {
    const remaining = async () => (await room.limiter.peek('key', { cost: 0 })).remaining
    return body(t, { ...room, remaining })
  }
  overBoth(title, policies, test, maxWaiting)
}

/** The decision of the error with which a run rejects. */
async function denialOf(running: Promise<unknown>): Promise<Denied> {
  const error: DeniedError = await running.then(
    () => Promise.reject(new Error('not denied')),
    (error) => error,
  )
  return error.decision
}

/** Work that goes on until it is ended. */
function work() {
  let began = 0
  let end: (result: string) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const promise = new Promise<string>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  const task = () => {
    began++
    return promise
  }
  return { task, end, fail, began: () => began }
}

both('units come back when the task ends, however it ends', [TWO], async (t, { limiter, remaining }) => {
  const [first, second] = [work(), work()]
  const running = [limiter.run('key', first.task), limiter.run('key', second.task)]
  await t.rejects(
    limiter.run('key', () => t.fail('no room')),
    {
      code: 'FST_FLOODGATE_DENIED',
      statusCode: 429,
      message: "the limiter 'tested' denied a call: try again in 1000 ms",
      decision: { allowed: false, policy: 'two', violated: ['two'], retryAfter: 1000 },
    },
  )
  first.end('done')
  t.equal(await running[0], 'done')
  t.equal(await remaining(), 1)
  second.fail(new Error('broken'))
  await t.rejects(running[1], { message: 'broken' })
  t.equal(await remaining(), 2)
  t.equal(await limiter.run('key', () => 7), 7, 'a task need not return a promise')
  const thrown = limiter.run('key', () => {
    throw new TypeError('thrown')
  })
  await t.rejects(thrown, { message: 'thrown' })
  t.equal(await limiter.run('key', async () => 'all', { cost: 2 }), 'all')
  t.equal(await remaining(), 2)
  t.equal(limiter.lost, 0)
})

both('a task is not called for a denial that no wait helps', [TWO], async (t, { limiter }) => {
  const denied = limiter.run('key', () => t.fail(), { cost: 3 })
  await t.rejects(denied, { message: "the limiter 'tested' denied a call: no wait helps" })
  const error = await denied.catch((error: DeniedError) => error)
  t.match(error, { decision: { retryAfter: Number.POSITIVE_INFINITY } })
  t.equal((error as DeniedError).stack, undefined, 'a denial is no defect')
})

both('a task waits for its units, and its place in progress is kept', [HELD, TWO], async (t, room) => {
  const { limiter, timers, remaining } = room
  const [first, second] = [work(), work()]
  const running = [limiter.run('key', first.task), limiter.run('key', second.task)]
  await timers.advance(999)
  t.same([first.began(), second.began()], [1, 0])
  t.match(await denialOf(limiter.run('key', () => t.fail())), { violated: ['two'] })
  await timers.advance(1)
  t.equal(second.began(), 1)
  first.end('a')
  second.end('b')
  t.same(await Promise.all(running), ['a', 'b'])
  await timers.advance(2000)
  t.equal(await remaining(), 1)
})

both('an abort while a task waits gives all units back, and calls no task', [HELD, TWO], async (t, room) => {
  const { limiter, timers } = room
  await limiter.run('key', () => 'first')
  const controller = new AbortController()
  const running = limiter.run('key', () => t.fail(), { signal: controller.signal })
  await timers.advance(500)
  controller.abort(new Error('gone'))
  await t.rejects(running, { message: 'gone' })
  t.match(await limiter.peek('key', { cost: 2 }), { violated: ['held'] }, 'two may be in progress')
  t.match(await limiter.peek('key'), { allowed: true, delay: 500 })
  await t.rejects(
    limiter.run('key', () => t.fail(), { signal: controller.signal }),
    { message: 'gone' },
  )
})

both('an abort does not end a task that runs', [TWO], async (t, { limiter, remaining }) => {
  const controller = new AbortController()
  const { task, end } = work()
  const running = limiter.run('key', task, { signal: controller.signal })
  await new Promise((resolve) => setImmediate(resolve))
  controller.abort()
  end('done')
  t.equal(await running, 'done')
  t.equal(await remaining(), 2)
})

both(
  'a task beyond maxWaiting is denied, and all its units are back',
  [HELD, TWO],
  async (t, { limiter }) => {
    await limiter.run('key', () => 'first')
    const denial = { allowed: false, violated: ['held'], retryAfter: 1000, resetAfter: 1000 }
    t.match(await denialOf(limiter.run('key', () => t.fail())), denial)
    t.match(await limiter.peek('key', { cost: 2 }), { violated: ['held'] })
  },
  0,
)

both(
  'a limiter without units in progress runs tasks as well',
  [HELD],
  async (t, { limiter, timers, remaining }) => {
    t.equal(await limiter.run('key', () => 'done'), 'done')
    t.equal(await remaining(), 0)
    t.equal(timers.armed, 0)
  },
)

both(
  'a task that is longer than its hold renews its units, and no other can have them',
  [TWO],
  async (t, room) => {
    const { limiter, timers, remaining } = room
    const [long, other] = [work(), work()]
    const running = limiter.run('key', long.task)
    await timers.advance(10 * MINUTE + 12_345)
    t.equal(await remaining(), 1)
    const second = limiter.run('key', other.task)
    await timers.advance(MINUTE)
    t.equal(await remaining(), 0)
    long.end('done')
    await running
    t.equal(await remaining(), 1)
    other.end('done')
    await second
    t.equal(await remaining(), 2)
    t.equal(limiter.lost, 0)
    await timers.advance(MINUTE)
    t.equal(timers.armed, 0, 'where nothing is in progress, no timer goes on')
  },
)

both('units that cannot be renewed are counted as lost, and the task goes on', [TWO], async (t, room) => {
  const { limiter, timers, remaining } = room
  const long = work()
  const running = limiter.run('key', long.task, { cost: 2 })
  await timers.advance(0)
  await limiter.block('key', '2 minutes')
  await timers.advance(MINUTE)
  t.equal(limiter.lost, 2)
  await timers.advance(MINUTE)
  t.equal(limiter.lost, 2, 'each unit is lost once')
  await limiter.take('key')
  long.end('done')
  t.equal(await running, 'done')
  t.equal(await remaining(), 1, 'what was lost is not given back')
})

test('the timer of renewals keeps no process alive', async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const limiter = createLimiter({ ...TWO, name: 'tested' })
  const { task, end } = work()
  const running = limiter.run('key', task)
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(timers() <= before, 'timers of tests before this one may end')
  end('done')
  t.equal(await running, 'done')
})

test('misuse rejects', async (t) => {
  const limiter = createLimiter({ ...TWO, name: 'tested' })
  t.equal(limiter.lost, 0, 'nothing ran')
  await t.rejects(limiter.run('key', 'task' as never), {
    code: 'FST_FLOODGATE_OPTION',
    message: "option 'task' is 'task'; allowed: a function",
  })
  await t.rejects(
    limiter.run('', () => 1),
    { code: 'FST_FLOODGATE_KEY' },
  )
  await t.rejects(
    limiter.run('key', () => 1, { signal: null as never }),
    { code: 'FST_FLOODGATE_OPTION' },
  )
})

import { type Test, test } from 'tap'
import { limiterOver } from '../../../lib/limiter/index.js'
import { compilePolicies } from '../../../lib/limiter/limiter.js'
import type { PolicyOptions } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { ManualTimers } from '../../fixtures/manual-timers.js'
import { serve, Times, turn } from './one-server.js'

const HELD: PolicyOptions = { name: 'held', rate: 1, per: 'second', burst: 1, wait: '5 seconds' }
const TWO: PolicyOptions = { name: 'two', algorithm: 'concurrency', limit: 2, hold: '1 minute' }
const MINUTE = 60_000

/** The time of the processes and of their server. */
class CommonClock extends ManualClock {
  readonly times = new Times()

  override advance(ms: number): void {
    super.advance(ms)
    this.times.advance(ms)
  }
}

/** Two processes that share a server, each with a limiter of those policies. */
async function twoProcesses(t: Test, ...policies: PolicyOptions[]) {
  const { client } = await serve(t)
  const clock = new CommonClock()
  const settled = async () => {
    for (let i = 0; i < 3; i++) await turn(client)
  }
  const timers = new ManualTimers(clock, settled)
  const { after } = timers
  const limiters = [0, 1].map((origin) => {
    const store = clock.times.store(client, { prefix: 'same', denyCache: 0 }, origin)
    const compiled = compilePolicies(policies, 'tested', 'policies')
    return limiterOver('tested', compiled, store, 'tested', undefined, { afterWait: after, after })
  })
  return { timers, mine: limiters[0], other: limiters[1] }
}

/** Work that goes on until it is ended. */
function work() {
  let end: () => void = () => {}
  const done = new Promise<void>((resolve) => {
    end = resolve
  })
  return { task: () => done, end }
}

test('work in one process counts in the others until it ends, however long it takes', async (t) => {
  const { timers, mine, other } = await twoProcesses(t, TWO)
  const [long, second] = [work(), work()]
  const running = [mine.run('key', long.task), other.run('key', second.task)]
  await timers.advance(5 * MINUTE)
  for (const limiter of [mine, other]) {
    await t.rejects(
      limiter.run('key', () => t.fail()),
      { code: 'FST_FLOODGATE_DENIED' },
    )
  }
  long.end()
  await running[0]
  t.equal(await other.run('key', () => 'done'), 'done')
  second.end()
  await running[1]
  t.match(await mine.peek('key', { cost: 0 }), { remaining: 2 })
  t.same([mine.lost, other.lost], [0, 0])
})

test('calls of several processes wait in the order of their arrival', async (t) => {
  const { timers, mine, other } = await twoProcesses(t, HELD)
  const gone: string[] = []
  const names = ['a', 'b', 'c', 'd']
  for (const [i, name] of names.entries()) {
    const limiter = i % 2 === 0 ? mine : other
    limiter.wait('key').then(() => gone.push(name))
    await timers.advance(0)
  }
  for (let second = 1; second <= 4; second++) {
    await timers.advance(second === 1 ? 999 : 1000)
    t.same(gone, names.slice(0, second))
  }
})

test('a call that gives up gives its units back to all', async (t) => {
  const { timers, mine, other } = await twoProcesses(t, HELD, TWO)
  await mine.wait('key')
  await mine.refund('key', 0)
  const controller = new AbortController()
  const running = mine.run('key', () => t.fail(), { signal: controller.signal })
  await timers.advance(200)
  t.match(await other.peek('key'), { allowed: false, violated: ['two'] })
  controller.abort(new Error('gone'))
  await t.rejects(running, { message: 'gone' })
  t.match(await other.peek('key'), { allowed: true, delay: 800 })
})

test('units of a process that died are free after their hold', async (t) => {
  const { timers, mine, other } = await twoProcesses(t, TWO)
  // It is never heard of again.
  await other.take('key', { cost: 2 })
  await timers.advance(MINUTE - 1)
  await t.rejects(
    mine.run('key', () => t.fail()),
    { code: 'FST_FLOODGATE_DENIED' },
  )
  await timers.advance(1)
  t.equal(await mine.run('key', () => 'done', { cost: 2 }), 'done')
})

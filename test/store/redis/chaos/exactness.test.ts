import { type Test, test } from 'tap'
import type { LimiterOptions } from '../../../../types/index.js'
import { type Server, startRedis } from '../../../fixtures/redis/server.js'
import { freshPrefix } from '../support.js'
import { Processes } from './support/processes.js'
import { report } from './support/report.js'
import type { Taken } from './support/taker.js'

/** How long each of the loads lasts: whole seconds and a half, so that no window begins or ends with it. */
const SECONDS = Math.floor(Number(process.env.FLOODGATE_CHAOS_SECONDS ?? 2)) + 0.5
const RATE = 500
const BURST = 100
const BUCKET = { algorithm: 'token-bucket', rate: RATE, per: 'second', burst: BURST } as const
const WINDOW = { algorithm: 'sliding-window', rate: RATE, per: 'second' } as const
const MICROS = 1_000_000
/** Milliseconds without any answer that lose no units: a full bucket takes as long twice. */
const CALM = 100
/** Of what the law gives, when the load is never calm. */
const LEAST = process.env.CI === 'true' ? 0.95 : 0.999

interface Outcome {
  admitted: number
  denied: number
  /** Server's times of the units admitted, in order. */
  instants: number[]
  /** Microseconds of the server's clock around the whole load. */
  elapsed: number
  /** Microseconds beyond `CALM` in which nobody was answered, because the machine is busy. */
  silence: number
}

async function hammer(
  t: Test,
  server: Server,
  processes: Processes,
  limiter: LimiterOptions,
  lease = 1,
): Promise<Outcome> {
  const job = { port: server.port, prefix: freshPrefix(), limiter, lease }
  const taken: Taken[] = await processes.run(job, SECONDS * 1000)
  const sum = (of: (taken: Taken) => number) => taken.reduce((sum, each) => sum + of(each), 0)
  t.equal(
    sum(({ others }) => others),
    0,
    'the store answers all',
  )
  t.ok(
    taken.every(({ admitted }) => admitted > 0),
    'every process is admitted something',
  )
  const instants = taken.flatMap(({ instants }) => instants).sort((a, b) => a - b)
  const elapsed = (instants.at(-1) ?? 0) - instants[0]
  t.ok(elapsed > (SECONDS - 0.6) * MICROS, 'the load lasts as long as it must')
  const answers = taken.flatMap(({ answers }) => answers).sort((a, b) => a - b)
  const pauses = answers.map((at, i) => (i === 0 ? 0 : Math.max(0, at - answers[i - 1] - CALM)))
  return {
    admitted: sum(({ admitted }) => admitted),
    denied: sum(({ denied }) => denied),
    instants,
    elapsed,
    silence: pauses.reduce((sum, pause) => sum + pause, 0) * 1000,
  }
}

/** Units that a limit of `RATE` must have given in so many microseconds. */
function leastOf(law: number, silence: number): number {
  return Math.floor(law * LEAST) - Math.ceil((silence * RATE) / MICROS)
}

/** The same of a window: where there was a pause, it may have been at the end of one. */
function leastOfWindows(silence: number): number {
  const whole = SECONDS - silence / MICROS - (silence > 0 ? 0.5 : 0)
  return Math.floor(Math.ceil(whole) * RATE * LEAST)
}

function within(t: Test, name: string, admitted: number, most: number, least: number): void {
  t.comment(`${name}: admitted ${admitted}, at least ${least}, at most ${most}`)
  report([name, 'four processes', `${SECONDS} s`, '', '', '', '', String(admitted), `${least} to ${most}`])
  t.ok(admitted <= most, `${admitted} admitted, at most ${most}`)
  t.ok(admitted >= least, `${admitted} admitted, at least ${least}`)
}

test('four processes whose clocks differ share one limit exactly', async (t) => {
  const server = await startRedis(t)
  const processes = new Processes(t)

  await t.test('of a token bucket', async (t) => {
    const limiter = { name: 'bucket', ...BUCKET }
    const { admitted, elapsed, denied, silence } = await hammer(t, server, processes, limiter)
    t.ok(denied > admitted / 10, 'the load is more than the limit')
    // Either end of the time is known to the millisecond.
    const law = (micros: number) => BURST + Math.floor((micros * RATE) / MICROS)
    within(t, 'token bucket', admitted, law(elapsed + 1000), leastOf(law(elapsed - 1000), silence))
  })

  await t.test('of a sliding window', async (t) => {
    const limiter = { name: 'window', ...WINDOW }
    const { admitted, instants, denied, silence } = await hammer(t, server, processes, limiter)
    t.ok(denied > admitted / 10, 'the load is more than the limit')
    t.ok(closest(instants, RATE) >= MICROS, 'no window holds more than its rate')
    const law = Math.ceil(SECONDS) * RATE
    within(t, 'sliding window', admitted, law, leastOfWindows(silence))
  })

  await t.test('of both at once', async (t) => {
    // The bucket holds up the first units of each window, and the window those that the bucket would allow
    // then.
    const faster = 4 * RATE
    const limiter = { name: 'both', policies: [WINDOW, { ...BUCKET, rate: faster }] }
    const { admitted, instants, silence } = await hammer(t, server, processes, limiter)
    t.ok(closest(instants, RATE) >= MICROS, 'no window holds more than its rate')
    for (let units = BURST; units < RATE; units += BURST) {
      const needed = Math.floor(((units + 1 - BURST) * MICROS) / faster)
      t.ok(closest(instants, units) >= needed, `${units + 1} units are as far apart as the bucket says`)
    }
    const law = Math.ceil(SECONDS) * RATE
    within(t, 'both at once', admitted, law, leastOfWindows(silence))
  })

  await t.test('of a token bucket, with leases', async (t) => {
    const lease = 20
    const limiter = { name: 'leased', ...BUCKET }
    const before = await timeOf(server)
    const { admitted, silence } = await hammer(t, server, processes, limiter, lease)
    const elapsed = (await timeOf(server)) - before
    const law = (micros: number) => BURST + Math.floor((micros * RATE) / MICROS)
    const least = leastOf(law(SECONDS * MICROS), silence) - processes.count * (lease - 1)
    within(t, 'token bucket, leases of 20', admitted, law(elapsed), least)
  })
})

/** The shortest time in which so many units and one more were admitted, in µs. */
function closest(instants: readonly number[], units: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = units; i < instants.length; i++) least = Math.min(least, instants[i] - instants[i - units])
  return least
}

async function timeOf(server: Server): Promise<number> {
  const [seconds, micros] = (await server.command('TIME')) as string[]
  return Number(seconds) * MICROS + Number(micros)
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { keysWithoutTtl } from '../../../../fixtures/redis/monitor.js'
import type { Server } from '../../../../fixtures/redis/server.js'
import { type Fault, type Figures, figuresOf } from './figures.js'
import { Load, type LoadOptions, type Sample, Stalls } from './load.js'
import { reportFigures } from './report.js'
import {
  BURST,
  type ConnectWith,
  openSubject,
  RATE,
  type Subject,
  type SubjectOptions,
  TIMEOUT,
} from './subject.js'

/** Most ms by which a decision may exceed the store's timeout. */
const GRACE = 50
const PATIENCE = 10_000

export interface Trial {
  /** What happens, for the table. */
  fault: string
  subjects: readonly SubjectOptions[]
  connect: ConnectWith
  /**
   * Breaks it and mends it: when it returns, everything answers again, but for connections that are not made
   * again yet.
   */
  strike(): Promise<void>
  /** The servers that live afterwards. */
  survivors(): readonly Server[]
  /** The store does not answer before the strike either. */
  broken?: boolean
  /**
   * How often each key may begin again with a full burst, because a server came back empty or behind.
   * Default: 0.
   */
  lost?: number
  /**
   * Longest time to recover, in ms: several times what it takes on a machine that is not busy. Default:
   * 10,000.
   */
  patience?: number
  load?: LoadOptions
}

export interface Outcome {
  subject: Subject
  load: Load
  figures: Figures
  fault: Fault
  stalls: Stalls
}

/**
 * Lets loads run over several stores at once, strikes, waits until all have recovered, and checks what must
 * hold in any case.
 */
export async function runTrial(t: Test, trial: Trial): Promise<Outcome[]> {
  const { subjects: wanted, connect, strike, patience = PATIENCE } = trial
  const subjects = await Promise.all(wanted.map((options) => openSubject(t, options, connect)))
  const loads = subjects.map(({ ask }) => new Load(ask, trial.load))
  const stalls = new Stalls()
  t.teardown(() => stalls.end())
  for (const load of loads) load.start()
  if (trial.broken) await sleep(400)
  else {
    // A process that has only just begun may be too busy to see answers in time.
    const calm = { from: 0, till: performance.now() }
    const ready = await Promise.all(loads.map((load, i) => settle(load, subjects[i], calm, 20_000)))
    t.ok(ready.every(Boolean), 'the store answers at first')
    for (const { changes } of subjects) changes.length = 0
  }
  const fault = { from: performance.now(), till: 0 }
  await strike()
  fault.till = performance.now()
  const recovered = await Promise.all(
    loads.map((load, i) => settle(load, subjects[i], fault, patience + 1500)),
  )
  for (const load of loads) await load.stop()
  stalls.end()
  const outcomes = subjects.map((subject, i) => {
    t.ok(recovered[i], `${subject.client}: the store answers again`)
    const figures = figuresOf(loads[i], fault, stalls)
    return { subject, load: loads[i], figures, fault, stalls }
  })
  for (const outcome of outcomes) check(t, trial, outcome)
  t.same(await keysWithoutTtl(...trial.survivors()), [], 'no key lives for ever')
  return outcomes
}

/** Waits until the store alone has answered for a while; false if that does not come. */
async function settle(load: Load, { redis }: Subject, fault: Fault, patience: number): Promise<boolean> {
  while (performance.now() < fault.till + patience) {
    await sleep(50)
    const since = performance.now() - 300
    const late = load.samples.filter(({ till }) => till > Math.max(since, fault.till))
    const live = late.some(({ allowed }) => allowed) && late.every(fromStore)
    if (live && since > fault.till && redis.state === 'up') return true
  }
  return false
}

function fromStore({ origin }: Sample): boolean {
  return origin === 'store'
}

function check(t: Test, trial: Trial, { subject, load, figures, fault }: Outcome): void {
  const { client, mode, via } = subject
  const who = `${client}, ${mode}${via === 'app' ? ', app' : ''}`
  const bound = boundOf(trial, mode, figures, earlyUnits(trial, load, fault))
  reportFigures(
    { fault: trial.fault, client: via === 'app' ? `${client}, app` : client, mode, bound },
    figures,
  )
  const { timeout = TIMEOUT } = subject.store ?? {}
  t.ok(
    figures.fairP99 <= timeout + GRACE,
    `${who}: a decision takes ${figures.p99.toFixed(1)} ms at p99 (${figures.fairP99.toFixed(1)} of our loop's time)`,
  )
  const { patience = PATIENCE } = trial
  t.ok(figures.recovery <= patience, `${who}: recovered after ${figures.recovery.toFixed(0)} ms`)
  if (bound !== undefined) t.ok(figures.over <= bound, `${who}: over by ${figures.over}, bound ${bound}`)
  const since = trial.broken ? 0 : fault.from
  const samples = load.samples.filter(({ till }) => till > since)
  const errors = samples.filter(({ origin }) => origin === 'error')
  if (mode !== 'deny') t.same(errors.slice(0, 3), [], `${who}: nothing is rejected`)
  const most = mostChanges(figures.outage + (trial.broken ? fault.from - load.startedAt : 0))
  t.ok(
    subject.changes.length <= most,
    `${who}: says so when that changes, ${most} times at most: ${subject.changes.join(', ')}`,
  )
  const strange = errors.filter(({ error }) => (error as { code?: string }).code !== 'FST_FLOODGATE_STORE')
  t.same(strange.slice(0, 3), [], `${who}: errors are those of the store`)
  const foreign = mode === 'local' ? 'none' : mode === 'allow' ? 'local' : undefined
  const wrong = samples.filter(
    ({ origin }) => origin === foreign || (mode === 'deny' && (origin === 'local' || origin === 'none')),
  )
  t.same(wrong.slice(0, 3), [], `${who}: nobody else stands in`)
}

/**
 * A store that is down is tried once a second, however many of its shards fail, so it goes down and up again
 * so often at most in an outage of so many ms; what was under way when it went down may bring it up once
 * more.
 */
function mostChanges(outage: number): number {
  return 2 * (2 + Math.floor(outage / 1000))
}

/** Units that processes may have admitted by themselves before the fault, where the machine was too busy. */
function earlyUnits({ broken }: Trial, { samples }: Load, fault: Fault): number {
  const early = samples.filter(({ origin, till }) => origin === 'local' && till <= fault.from)
  if (early.length === 0 || broken) return 0
  const span = Math.max(...early.map(({ till }) => till)) - Math.min(...early.map(({ from }) => from))
  return BURST + Math.ceil((span * RATE) / 1000)
}

/** One unit more, for that may be a call which the store had allowed before the load was seen to begin. */
function boundOf({ lost = 0 }: Trial, mode: string, { outage }: Figures, early: number): number | undefined {
  if (mode === 'allow') return undefined
  const local = mode === 'local' && outage > 0 ? BURST + Math.ceil((outage * RATE) / 1000) : 0
  return local + early + lost * BURST
}

import { test } from 'tap'
import { Model } from '../../../lib/console/page/model.js'
import { zero } from '../../../lib/console/page/rates.js'
import type { ConsoleCounts, ConsoleState, ConsoleTick } from '../../../types/console.js'

const NOW = Date.parse('2026-11-27T11:00:00Z')
const counts = (allowed: number, denied = 0): ConsoleCounts => ({ ...zero(), allowed, denied })
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString()

function series(last: ConsoleCounts) {
  const lists = Object.entries(last).map(([outcome, count]) => [outcome, [...Array(179).fill(0), count]])
  return { ...Object.fromEntries(lists), end: NOW, step: 5000 }
}

const process = (id: string, seconds: number, allowed: number) =>
  ({ id, host: 'a', pid: 1, isThis: true, at: at(seconds), state: 'up', ...counts(allowed) }) as const

function stateOf(
  seconds: number,
  totals: Record<string, ConsoleCounts>,
  processes = [process('p', seconds, 0)],
) {
  const limiters = Object.entries(totals).map(([name, each]) => ({
    name,
    policies: [{ ...each, name, text: '', enforce: 1, limit: 1, nearLimit: 0, units: 0, options: {} }],
  }))
  const each = Object.fromEntries(Object.keys(totals).map((name) => [name, series(counts(50))]))
  return {
    now: NOW + seconds * 1000,
    limiters,
    series: { total: series(counts(100)), limiters: each },
    processes,
    waiting: 0,
    offenders: null,
  } as unknown as ConsoleState
}

function tickOf(
  seconds: number,
  limiters: Record<string, ConsoleCounts>,
  processes = [process('p', seconds, 0)],
) {
  const total = Object.values(limiters).reduce((sum, { allowed }) => sum + allowed, 0)
  return {
    now: NOW + seconds * 1000,
    total: counts(total),
    limiters,
    waiting: 2,
    store: {},
    processes,
    offenders: [],
  } as unknown as ConsoleTick
}

test('the last point of the chart is the rate until there is a newer one', async (t) => {
  const model = new Model()
  model.tick(tickOf(1, {}))
  t.equal(model.rate, null, 'a tick before the first state says nothing')
  model.replace(stateOf(0, { default: counts(0) }), true)
  t.equal(model.rate?.allowed, 20)
  t.equal(model.limiterRate('default')?.allowed, 10)
  t.equal(model.limiterRate('other'), null)
})

test('ticks move the rates, the charts and what else they carry', async (t) => {
  const model = new Model()
  model.replace(stateOf(0, { default: counts(0), search: counts(0) }), true)
  for (let i = 1; i <= 5; i++) model.tick(tickOf(i, { default: counts(7) }))
  t.equal(model.rate?.allowed, 7)
  t.equal(model.limiterRate('default')?.allowed, 7)
  t.equal(model.limiterRate('search')?.allowed, 0, 'a limiter that no tick names decided nothing')
  t.equal(model.total?.rates('allowed').at(-1), 7)
  t.equal(model.series.get('default')?.rates('allowed').at(-1), 7)
  t.match(model.state, { now: NOW + 5000, waiting: 2, offenders: [] })
  model.tick(tickOf(4, { default: counts(1000) }))
  t.equal(model.rate?.allowed, 7, 'an old tick changes nothing')
})

test('the first tick, and one after a long while, count one second', async (t) => {
  const model = new Model()
  model.replace(stateOf(0, { default: counts(0) }), true)
  model.tick(tickOf(0.2, { default: counts(10) }))
  t.equal(model.rate?.allowed, 110 / 6)
  model.tick(tickOf(60, { default: counts(10) }))
  t.equal(model.rate?.allowed, 120 / 7)
})

test('without ticks, the rates come from what a state has more than the one before', async (t) => {
  const model = new Model()
  model.replace(stateOf(0, { default: counts(1000), search: counts(10) }), false)
  model.replace(stateOf(3, { default: counts(1030), search: counts(40), late: counts(5) }), false)
  model.replace(stateOf(6, { default: counts(1060), search: counts(70), late: counts(8) }), false)
  t.equal(model.rate?.allowed, (60 + 63) / 6)
  t.equal(model.limiterRate('default')?.allowed, 10)
  t.equal(model.limiterRate('late')?.allowed, 1)
})

test('a state that follows a tick leaves the rates to the ticks', async (t) => {
  const model = new Model()
  model.replace(stateOf(0, { default: counts(0) }), true)
  model.replace(stateOf(1, { default: counts(9000) }), true)
  t.equal(model.rate?.allowed, 20)
})

test('a counter that began again, and a long silence, give no wild rate', async (t) => {
  const model = new Model()
  model.replace(stateOf(0, { default: counts(5000) }), false)
  model.replace(stateOf(3, { default: counts(10) }), false)
  t.equal(model.limiterRate('default')?.allowed, 10, 'as it was')
  model.replace(stateOf(600, { default: counts(90_000) }), false)
  t.equal(model.rate?.allowed, 20, 'the last point of the new chart')
})

test('a process has a rate once it was heard twice', async (t) => {
  const model = new Model()
  model.replace(stateOf(0, { default: counts(0) }, [process('p', 0, 100)]), true)
  t.equal(model.processRate('p'), null)
  model.tick(tickOf(1, {}, [process('p', 0, 100), process('q', 1, 7)]))
  t.equal(model.processRate('p'), null, 'nothing new was heard')
  model.tick(tickOf(2, {}, [process('p', 2, 130), process('q', 2, 9)]))
  t.equal(model.processRate('p')?.allowed, 15)
  t.equal(model.processRate('q')?.allowed, 2)
  model.tick(tickOf(4, {}, [process('p', 4, 5)]))
  t.equal(model.processRate('p')?.allowed, 15, 'a process that began again')
})

test('a state without a point has no rate to begin with', async (t) => {
  const model = new Model()
  const state = stateOf(0, {})
  for (const list of ['allowed', 'delayed', 'denied', 'blocked', 'shadowDenied'] as const)
    state.series.total[list] = []
  model.replace(state, true)
  t.equal(model.rate?.allowed, 0)
})

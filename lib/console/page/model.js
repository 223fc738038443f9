// What the page knows: the last state, and what the ticks since then added to it.
import { difference, Rates, sum, zero } from './rates.js'
import { Series } from './series.js'

/** @typedef {import('../../../types/console.js').ConsoleCounts} Counts */
/** @typedef {import('../../../types/console.js').ConsoleLimiter} ConsoleLimiter */
/** @typedef {import('../../../types/console.js').ConsoleProcess} ConsoleProcess */
/** @typedef {import('../../../types/console.js').ConsoleSeries} ConsoleSeries */
/** @typedef {import('../../../types/console.js').ConsoleState} ConsoleState */
/** @typedef {import('../../../types/console.js').ConsoleTick} ConsoleTick */

const TOTAL = 'total'
/** Longest time in milliseconds between two moments whose difference is a rate. */
const LONGEST_GAP = 15_000
/** Milliseconds from tick to tick. */
const TICK = 1000

/** @param {ConsoleLimiter} limiter */
export const limiterCounts = ({ policies }) => sum(policies)

export class Model {
  /** @type {ConsoleState | null} */
  state = null
  /** @type {Series | null} */
  total = null
  /** @type {Map<string, Series>} */
  series = new Map()
  #limiterRates = new Rates()
  #processRates = new Rates()
  #totalRates = new Rates()
  /** When the last tick came. */
  #ticked = 0

  /**
   * A whole state. The first one, and each one while there are no ticks, gives the rates, too.
   *
   * @param {ConsoleState} state
   * @param {boolean} hasTicks whether ticks came since the last state
   */
  replace(state, hasTicks) {
    const before = this.state
    if (before === null) this.#begin(state)
    else if (!hasTicks) this.#compare(before, state)
    this.#watchProcesses(before?.processes ?? [], state.processes)
    this.state = state
    this.total = new Series(state.series.total, state.now)
    this.series = new Map(
      Object.entries(state.series.limiters).map(([name, series]) => [name, new Series(series, state.now)]),
    )
  }

  /** @param {ConsoleTick} tick */
  tick(tick) {
    const { state } = this
    if (state === null || tick.now <= state.now) return
    // The first tick after a while counts one second, as each does.
    const since = tick.now - this.#ticked
    const span = since > 0 && since <= LONGEST_GAP ? since : TICK
    this.#ticked = tick.now
    this.#totalRates.add(TOTAL, span, tick.total)
    this.total?.add(tick.total, tick.now)
    for (const { name } of state.limiters) {
      const counts = { ...zero(), ...tick.limiters[name] }
      this.#limiterRates.add(name, span, counts)
      this.series.get(name)?.add(counts, tick.now)
    }
    this.#watchProcesses(state.processes, tick.processes)
    const { now, waiting, store, processes, offenders = state.offenders } = tick
    this.state = { ...state, now, waiting, store, processes, offenders }
  }

  /** Decisions a second; null while unknown. */
  get rate() {
    return this.#totalRates.of(TOTAL)
  }

  /** @param {string} name */
  limiterRate(name) {
    return this.#limiterRates.of(name)
  }

  /** @param {string} id */
  processRate(id) {
    return this.#processRates.of(id)
  }

  /** The rates of the last point of the chart, until there are newer ones. @param {ConsoleState} state */
  #begin({ series }) {
    this.#totalRates.add(TOTAL, series.total.step, lastPoint(series.total))
    for (const [name, each] of Object.entries(series.limiters))
      this.#limiterRates.add(name, each.step, lastPoint(each))
  }

  /** @param {ConsoleState} before @param {ConsoleState} after */
  #compare(before, after) {
    const span = after.now - before.now
    if (span > LONGEST_GAP) {
      this.#totalRates.clear()
      this.#limiterRates.clear()
      this.#begin(after)
      return
    }
    const added = []
    for (const limiter of after.limiters) {
      const old = before.limiters.find(({ name }) => name === limiter.name)
      const counts = old && difference(limiterCounts(limiter), limiterCounts(old))
      if (!counts) continue
      added.push(counts)
      this.#limiterRates.add(limiter.name, span, counts)
    }
    this.#totalRates.add(TOTAL, span, sum(added))
  }

  /** @param {readonly ConsoleProcess[]} before @param {readonly ConsoleProcess[]} after */
  #watchProcesses(before, after) {
    for (const process of after) {
      const old = before.find(({ id }) => id === process.id)
      if (old === undefined) continue
      const counts = difference(process, old)
      if (counts) this.#processRates.add(process.id, Date.parse(process.at) - Date.parse(old.at), counts)
    }
  }
}

/** @param {ConsoleSeries} series @returns {Counts} */
function lastPoint({ allowed, delayed, denied, blocked, shadowDenied }) {
  const last = (/** @type {number[]} */ counts) => counts.at(-1) ?? 0
  return {
    allowed: last(allowed),
    delayed: last(delayed),
    denied: last(denied),
    blocked: last(blocked),
    shadowDenied: last(shadowDenied),
  }
}

// The store, requests that wait, and where limits come from.
import { byId, fill, h, set } from './dom.js'
import { count, counted, percent, shortCount } from './format.js'

/** @typedef {import('../../../types/index.js').StoreReport} StoreReport */
/** @typedef {import('../../../types/index.js').LimitsStats} LimitsStats */
/** @typedef {import('../../../types/console.js').ConsoleState} ConsoleState */

const KINDS = { memory: 'Memory of this process', shared: 'Memory of all threads', redis: 'Redis' }

export class Health {
  #body = byId('health-body')
  #shown = ''

  /** @param {ConsoleState} state */
  show({ store, waiting, lost, limits }) {
    const report = /** @type {StoreReport} */ (store)
    const facts = [
      ...storeFacts(report),
      ['Waiting now', count(waiting), ''],
      ...(lost > 0 ? [['Lost', `${counted(lost, 'unit')} in progress not renewed`, 'bad']] : []),
      ...limitsFacts(/** @type {LimitsStats | null} */ (limits)),
    ]
    const text = JSON.stringify([report.state, facts])
    if (text === this.#shown) return
    this.#shown = text
    const lamp = h(
      'p',
      { class: 'state', 'data-state': report.state },
      h('span', { class: 'lamp' }),
      `${KINDS[report.kind]}: ${report.state}`,
    )
    const list = h(
      'dl',
      { class: 'facts-list' },
      facts.map(([name, value, kind]) => h('div', { class: kind }, h('dt', {}, name), h('dd', {}, value))),
    )
    fill(this.#body, lamp, list)
    set(byId('health'), { 'data-state': report.state })
  }
}

/** @param {StoreReport} report @returns {string[][]} */
function storeFacts({ keys, maxKeys, forgotten, calls, failures, local, durations }) {
  const facts = []
  if (keys !== undefined && maxKeys !== undefined)
    facts.push(['Keys', `${shortCount(keys)} of ${shortCount(maxKeys)} (${percent(keys / maxKeys)})`, ''])
  if (forgotten !== undefined)
    facts.push(['Forgotten in use', shortCount(forgotten), forgotten > 0 ? 'bad' : ''])
  if (calls !== undefined && failures !== undefined) {
    const share = calls === 0 ? '' : ` (${percent(failures / calls)})`
    facts.push(['Calls', shortCount(calls), ''], ['Failed', `${shortCount(failures)}${share}`, ''])
  }
  if (durations !== undefined && calls)
    facts.push(
      ['Half of the calls', within(durations, 0.5), ''],
      ['99 of 100 calls', within(durations, 0.99), ''],
    )
  if (local !== undefined) facts.push(['Decided without it', shortCount(local), ''])
  return facts
}

/** @param {LimitsStats | null} limits @returns {string[][]} */
function limitsFacts(limits) {
  if (limits === null) return []
  const facts = [['Limits document', limits.version ?? 'none: limits of the code', '']]
  if (limits.lastError !== null) facts.push(['Last document refused', limits.lastError, 'bad wide'])
  return facts
}

/**
 * The bound of a histogram that holds such a share of the calls.
 *
 * @param {import('../../../types/index.js').CallDurations} durations
 * @param {number} share
 */
function within({ bounds, counts }, share) {
  const enough = share * counts.reduce((total, calls) => total + calls, 0)
  let calls = 0
  const bucket = counts.findIndex((each) => {
    calls += each
    return calls >= enough
  })
  const ms = (/** @type {number} */ seconds) => `${count(seconds * 1000)} ms`
  return bucket < bounds.length
    ? `within ${ms(bounds[bucket])}`
    : `above ${ms(/** @type {number} */ (bounds.at(-1)))}`
}

// Who is denied most, the worst first.
import { button, byId, fill, h, Rows, set, write } from './dom.js'
import { ago, counted, fullTime, percent, shortCount, shown } from './format.js'
import { refused } from './rates.js'
import { nothing, table } from './table.js'

/** @typedef {import('../../../types/console.js').ConsoleOffender} ConsoleOffender */
/** @typedef {import('./model.js').Model} Model */

const COLUMNS = [
  { title: 'Key' },
  { title: 'Limiter' },
  { title: 'Share', kind: 'number share' },
  { title: 'Denied', kind: 'number' },
  { title: 'Blocked', kind: 'number' },
  { title: 'Shadow', kind: 'number' },
  { title: 'Last', kind: 'number' },
  { title: 'Actions', kind: 'act', unseen: true },
]
const FIRST = 12
/** Milliseconds for which rows keep their places, so that a click hits what was aimed at. */
const STEADY = 3000

export class Offenders {
  #body = byId('offenders-body')
  #note = byId('offenders-note')
  #look
  /** @type {Rows<ConsoleOffender, ReturnType<Offenders['make']>> | null} */
  #rows = null
  #more = button('', () => this.#toggle(), { class: 'small more' })
  #isLong = false
  /** @type {string[]} */
  #order = []
  #sorted = 0
  #now = 0
  #total = 1
  /** @type {Model | null} */
  #model = null

  /** @param {(subject: { limiter: string, offender: string }, title: string) => void} look */
  constructor(look) {
    this.#look = look
  }

  /** @param {Model} model */
  show(model) {
    const { state } = model
    if (state === null) return
    this.#model = model
    this.#now = state.now
    const { offenders } = state
    write(this.#note, offenders && offenders.length > 0 ? counted(offenders.length, 'key') : '')
    if (offenders === null || offenders.length === 0) {
      this.#rows = null
      const text =
        offenders === null
          ? 'Not recorded. The option offenders makes limiters remember the keys that they deny most.'
          : 'Nobody was denied.'
      if (this.#body.textContent !== text) fill(this.#body, nothing(text))
      return
    }
    this.#total = offenders.reduce((total, offender) => total + refused(offender), 0)
    this.#rows ??= this.#start()
    const sorted = this.#sort(offenders)
    this.#rows.show(this.#isLong ? sorted : sorted.slice(0, FIRST), keyOf)
    this.#more.hidden = sorted.length <= FIRST
    write(this.#more, this.#isLong ? `Show the worst ${FIRST}` : `Show all ${sorted.length}`)
  }

  #toggle() {
    this.#isLong = !this.#isLong
    if (this.#model) this.show(this.#model)
  }

  /** Keeps the places of rows while somebody points at one. @param {readonly ConsoleOffender[]} offenders */
  #sort(offenders) {
    const place = (/** @type {ConsoleOffender} */ offender) => {
      const at = this.#order.indexOf(keyOf(offender))
      return at < 0 ? Number.POSITIVE_INFINITY : at
    }
    const isAimedAt = this.#body.matches(':hover') || this.#body.contains(document.activeElement)
    const mayMove = !isAimedAt && this.#now - this.#sorted >= STEADY
    const sorted = [...offenders].sort((a, b) => refused(b) - refused(a))
    if (mayMove || this.#order.length === 0) {
      this.#order = sorted.map(keyOf)
      this.#sorted = this.#now
      return sorted
    }
    return sorted.sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)))
  }

  #start() {
    const { node, body, row } = table('Offenders, the worst first', COLUMNS)
    fill(this.#body, node, this.#more)
    return new Rows(
      body,
      (offender) => this.make(offender, row()),
      (rows, offender) => this.#update(rows, offender),
    )
  }

  /** @param {ConsoleOffender} offender @param {ReturnType<ReturnType<typeof table>['row']>} row */
  make({ limiter, id, key }, { node, cells }) {
    const [head, name, share, denied, blocked, shadow, last, act] = cells
    const text = shown(key)
    head.append(h('bdi', { class: 'key' }, text))
    write(name, limiter)
    const meter = h('meter', { min: 0, max: 1, 'aria-hidden': 'true' })
    const part = h('span')
    share.append(part, meter)
    const time = h('time')
    last.append(time)
    act.append(
      button('Look up', () => this.#look({ limiter, offender: id }, key), {
        class: 'small',
        'aria-label': `Look up ${text}`,
      }),
    )
    return { node, part, meter, denied, blocked, shadow, time }
  }

  /** @param {ReturnType<Offenders['make']>} row @param {ConsoleOffender} offender */
  #update({ part, meter, denied, blocked, shadow, time }, offender) {
    const share = refused(offender) / this.#total
    write(part, percent(share))
    meter.value = share
    const cells = /** @type {const} */ ([
      [denied, offender.denied, 'denied'],
      [blocked, offender.blocked, 'blocked'],
      [shadow, offender.shadowDenied, 'shadow'],
    ])
    for (const [cell, value, name] of cells) {
      // A key may have taken the place of another, and then some of its denials are not counted.
      const more = name === 'denied' && offender.error > 0 ? '+' : ''
      write(cell, `${shortCount(value)}${more}`)
      set(cell, {
        class: `number ${value === 0 ? 'zero' : name}`,
        title: more && `At most ${counted(offender.error, 'denial')} more`,
      })
    }
    write(time, ago(offender.last, this.#now))
    set(time, {
      datetime: offender.last,
      title: `First ${fullTime(offender.first)}, last ${fullTime(offender.last)}`,
    })
  }
}

/** @param {ConsoleOffender} offender */
function keyOf({ limiter, id }) {
  return `${limiter} ${id}`
}

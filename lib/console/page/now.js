// The answer in one sentence, and what happens a second.
import { CLASSES, WORDS } from './colours.js'
import { byId, fill, h, set, write } from './dom.js'
import { percent, perSecond } from './format.js'
import { all, OUTCOMES } from './rates.js'
import { read } from './reading.js'

/** @typedef {import('./model.js').Model} Model */

const MINUTE = 60_000
const QUARTER = 15 * MINUTE
/** Milliseconds for which a sentence stays, so that it can be read. */
const STEADY = 10_000

export class Now {
  #section = byId('reading')
  #headline = byId('headline')
  #facts = byId('facts')
  #announce = byId('announce')
  /** @type {Map<string, { value: Text, share: Text, node: HTMLElement }>} */
  #tiles = new Map()
  #level = ''
  #since = 0

  constructor() {
    const tiles = byId('tiles')
    for (const outcome of OUTCOMES) {
      const [value, share] = [new Text('–'), new Text('')]
      const name = h(
        'dt',
        {},
        h('span', { class: 'swatch' }),
        WORDS[outcome],
        h('span', { class: 'unit' }, '/s'),
      )
      const node = h(
        'div',
        { class: `tile ${CLASSES[outcome]}` },
        name,
        h('dd', {}, h('b', {}, value), h('span', { class: 'share' }, share)),
      )
      tiles.append(node)
      this.#tiles.set(outcome, { value, share, node })
    }
  }

  /** @param {Model} model */
  show({ state, total, rate }) {
    if (state === null || total === null) return
    for (const outcome of OUTCOMES) {
      const tile = /** @type {{ value: Text, share: Text, node: HTMLElement }} */ (this.#tiles.get(outcome))
      write(tile.value, perSecond(rate === null ? null : rate[outcome]))
      write(tile.share, rate === null || all(rate) === 0 ? '' : percent(rate[outcome] / all(rate)))
      set(tile.node, { 'data-zero': rate === null || rate[outcome] === 0 })
    }
    this.#say(read(total.last(MINUTE), total.last(QUARTER), state), state.now)
  }

  /** @param {import('./reading.js').Reading} reading @param {number} now */
  #say({ level, headline, facts }, now) {
    const isNew = level !== this.#level
    if (isNew && this.#level !== '' && now - this.#since < STEADY) return
    if (isNew) {
      if (this.#level !== '') {
        write(this.#announce, headline)
        this.#since = now
      }
      this.#level = level
      set(this.#section, { 'data-level': level })
    }
    write(this.#headline, headline)
    if (facts.join('\n') !== [...this.#facts.children].map((fact) => fact.textContent).join('\n'))
      fill(this.#facts, ...facts.map((fact) => h('li', {}, fact)))
  }
}

// The processes that count together: each, and their sum.
import { CLASSES } from './colours.js'
import { byId, fill, h, Rows, set, write } from './dom.js'
import { ago, counted, fullTime, perSecond } from './format.js'
import { OUTCOMES, sum } from './rates.js'
import { table } from './table.js'

/** @typedef {import('../../../types/console.js').ConsoleProcess} ConsoleProcess */
/** @typedef {import('../../../types/console.js').ConsoleCounts} Counts */
/** @typedef {import('./model.js').Model} Model */

const COLUMNS = [
  { title: 'Process' },
  ...OUTCOMES.map((outcome) => ({
    title: `${CLASSES[outcome][0].toUpperCase()}${CLASSES[outcome].slice(1)} /s`,
    kind: 'number',
  })),
  { title: 'Store' },
  { title: 'Heard', kind: 'number' },
]
const SUM = 'sum'

export class Fleet {
  #body = byId('fleet-body')
  #note = byId('fleet-note')
  /** @type {Rows<ConsoleProcess | null, ReturnType<Fleet['make']>>} */
  #rows
  /** @type {Model | null} */
  #model = null

  constructor() {
    const { node, body, row } = table('Processes', COLUMNS)
    fill(this.#body, node)
    this.#rows = new Rows(
      body,
      (process) => this.make(process, row()),
      (rows, process) => this.#update(rows, process),
    )
  }

  /** @param {Model} model */
  show(model) {
    if (model.state === null) return
    this.#model = model
    const { processes } = model.state
    write(this.#note, counted(processes.length, 'process', 'processes'))
    this.#rows.show([...(processes.length > 1 ? [null] : []), ...processes], (process) => process?.id ?? SUM)
  }

  /** @param {ConsoleProcess | null} process @param {ReturnType<ReturnType<typeof table>['row']>} row */
  make(process, { node, cells }) {
    const [head, ...rest] = cells
    const name = process === null ? 'All together' : `${process.host} · ${process.pid}`
    head.append(h('bdi', {}, name), process?.isThis ? h('span', { class: 'note' }, ' this one') : '')
    set(node, { class: process === null ? 'sum' : null })
    const [state, heard] = rest.slice(OUTCOMES.length)
    return { node, rates: rest.slice(0, OUTCOMES.length), state, heard }
  }

  /** @param {ReturnType<Fleet['make']>} row @param {ConsoleProcess | null} process */
  #update({ rates, state, heard }, process) {
    const rate = process === null ? this.#sum() : this.#model?.processRate(process.id)
    OUTCOMES.forEach((outcome, i) => {
      write(rates[i], perSecond(rate?.[outcome] ?? null))
      set(rates[i], { class: `number ${rate?.[outcome] ? CLASSES[outcome] : 'zero'}` })
    })
    if (process === null) return
    write(state, process.state)
    set(state, { class: process.state === 'down' ? 'denied' : null })
    write(heard, ago(process.at, this.#model?.state?.now ?? 0))
    set(heard, { title: fullTime(process.at) })
  }

  #sum() {
    const rates = this.#model?.state?.processes.map(({ id }) => this.#model?.processRate(id) ?? null) ?? []
    return sum(/** @type {Counts[]} */ (rates.filter((rate) => rate !== null)))
  }
}

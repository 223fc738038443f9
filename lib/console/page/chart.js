// The chart of the last 15 minutes: outcomes a second, stacked.
import { CLASSES, colour, STACK, WORDS } from './colours.js'
import { byId, fill, h, on, set, write } from './dom.js'
import { clockTime, minuteTime, perSecond } from './format.js'
import UPlot from './uplot.js'

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./series.js').Series} Series */

const ALL = ''
/** Seconds from the left to the right, also of a process that has just begun. */
const SPAN = 900

export class Chart {
  #model
  #select = /** @type {HTMLSelectElement} */ (byId('chart-of'))
  #quiet = /** @type {HTMLInputElement} */ (byId('chart-quiet'))
  #frame = byId('chart')
  #readout = byId('chart-readout')
  #table = byId('chart-table')
  /** @type {UPlot | null} */
  #plot = null
  /** Rates of each outcome of the stack, not added up. @type {number[][]} */
  #rates = []
  /** @type {number[]} */
  #times = []

  /** @param {Model} model */
  constructor(model) {
    this.#model = model
    on(this.#select, 'change', () => this.show())
    on(this.#quiet, 'change', () => this.show())
    new ResizeObserver(() => this.#resize()).observe(this.#frame)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot?.destroy()
      this.#plot = null
      this.show()
    })
  }

  /** Shows a limiter. @param {string} name */
  choose(name) {
    this.#select.value = name
    this.show()
  }

  show() {
    this.#offer()
    const name = this.#select.value
    const { total } = this.#model
    if (total === null) return
    // A limiter that has decided nothing yet has no series.
    const series = name === ALL ? total : this.#model.series.get(name)
    this.#times = total.times
    this.#rates = STACK.map((outcome) => series?.rates(outcome) ?? this.#times.map(() => 0))
    if (this.#quiet.checked) this.#rates[STACK.indexOf('allowed')].fill(0)
    const data = /** @type {UPlot.AlignedData} */ ([this.#times, ...stacked(this.#rates).reverse()])
    if (this.#plot === null) this.#plot = new UPlot(this.#options(), data, this.#frame)
    else this.#plot.setData(data)
    this.#describe()
    this.#read()
  }

  /** The limiters, as options of the select. */
  #offer() {
    const names = [ALL, ...(this.#model.state?.limiters.map(({ name }) => name) ?? [])]
    const isShown = names.join('\n') === [...this.#select.options].map(({ value }) => value).join('\n')
    if (isShown) return
    const { value } = this.#select
    fill(
      this.#select,
      ...names.map((name) => h('option', { value: name }, name === ALL ? 'All limiters' : name)),
    )
    this.#select.value = names.includes(value) ? value : ALL
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#frame
    if (width > 0 && height > 0) this.#plot?.setSize({ width, height })
  }

  /** @returns {UPlot.Options} */
  #options() {
    const { clientWidth: width, clientHeight: height } = this.#frame
    const style = getComputedStyle(this.#frame)
    const em = Number.parseFloat(style.fontSize)
    const axis = {
      stroke: colour('--soft'),
      font: `${style.fontSize} ${style.fontFamily}`,
      ticks: { show: false },
      grid: { stroke: colour('--rule'), width: 1 },
    }
    return {
      width,
      height,
      padding: [8, em * 2.2, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { setScale: false } },
      scales: {
        x: { range: (_, __, max) => [max - SPAN, max] },
        y: { range: (_, __, max) => [0, Math.max(max * 1.08, 1)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: em * 2,
          space: em * 6,
          values: (_, times) => times.map((time) => minuteTime(time * 1000)),
        },
        {
          ...axis,
          size: em * 4,
          space: em * 2.6,
          values: (_, rates) => rates.map((rate) => perSecond(rate)),
        },
      ],
      series: [{}, ...STACK.map((outcome) => layer(CLASSES[outcome])).reverse()],
      hooks: { setCursor: [() => this.#read()] },
    }
  }

  /** The numbers under the pointer, or how to get them. */
  #read() {
    const index = this.#plot?.cursor.idx
    if (index === null || index === undefined || this.#times[index] === undefined) {
      write(this.#readout, 'Decisions a second, each point over 5 s')
      return
    }
    const parts = STACK.flatMap((outcome, i) => {
      const rate = this.#rates[i][index]
      return rate > 0 ? [`${WORDS[outcome]} ${perSecond(rate)}`] : []
    })
    const text = parts.length === 0 ? 'nothing' : parts.reverse().join(', ')
    write(this.#readout, `${clockTime(this.#times[index] * 1000)}  ${text}`)
  }

  /** The chart in words and in a table, a row a minute, for those who do not see it. */
  #describe() {
    const name = this.#select.selectedOptions[0]?.textContent ?? ''
    set(this.#frame, {
      'aria-label': `Decisions a second in the last 15 minutes: ${name}. The numbers follow as a table.`,
    })
    if (!(/** @type {HTMLDetailsElement} */ (this.#table.closest('details')).open)) return
    const rows = []
    for (let end = this.#times.length; end > 0; end -= 12) {
      const cells = [...STACK].reverse().map((outcome) => {
        const part = this.#rates[STACK.indexOf(outcome)].slice(Math.max(0, end - 12), end)
        return h('td', {}, perSecond(part.reduce((total, rate) => total + rate, 0) / part.length))
      })
      rows.push(h('tr', {}, h('th', { scope: 'row' }, clockTime(this.#times[end - 1] * 1000)), cells))
    }
    fill(this.#table, ...rows)
  }
}

/** @param {string} name @returns {UPlot.Series} */
function layer(name) {
  const dash = name === 'shadow' ? [5, 4] : undefined
  return {
    stroke: colour(`--${name}`),
    fill: colour(`--${name}-area`),
    width: 1.25,
    dash,
    points: { show: false },
  }
}

/** Each with all below it, and gaps where it is nothing. @param {readonly number[][]} layers */
function stacked(layers) {
  let below = layers[0].map(() => 0)
  return layers.map((layer) => {
    below = layer.map((value, i) => value + below[i])
    return below.map((value, i) => (layer[i] || layer[i - 1] || layer[i + 1] ? value : null))
  })
}

// A row a limiter: its policies in words, what happens a second, and how close clients come.
import { CLASSES } from './colours.js'
import { button, byId, fill, h, Rows, set, write } from './dom.js'
import { percent, perSecond, when } from './format.js'
import { all, OUTCOMES } from './rates.js'
import { nearShare } from './reading.js'
import { Spark } from './spark.js'
import { nothing, table } from './table.js'

/** @typedef {import('../../../types/console.js').ConsoleLimiter} ConsoleLimiter */
/** @typedef {import('../../../types/console.js').ConsolePolicy} ConsolePolicy */
/** @typedef {import('./model.js').Model} Model */

const RATES = OUTCOMES.map((outcome) => ({ outcome, title: CLASSES[outcome], kind: 'number' }))
const COLUMNS = [
  { title: 'Limiter' },
  { title: 'Policies', kind: 'wide' },
  ...RATES.map(({ title, kind }) => ({ title: `${title[0].toUpperCase()}${title.slice(1)} /s`, kind })),
  { title: 'Near limit', kind: 'number' },
  { title: 'Refused, 15 min', kind: 'trend' },
  { title: 'Actions', kind: 'act', unseen: true },
]

export class Limiters {
  #body = byId('limiters-body')
  #note = byId('limiters-note')
  #change
  #chart
  /** @type {Rows<ConsoleLimiter, ReturnType<Limiters['make']>> | null} */
  #rows = null
  /** @type {Model | null} */
  #model = null

  /** @param {(limiter: ConsoleLimiter) => void} change @param {(name: string) => void} chart */
  constructor(change, chart) {
    this.#change = change
    this.#chart = chart
  }

  /** @param {Model} model */
  show(model) {
    const { state } = model
    if (state === null) return
    this.#model = model
    if (state.limiters.length === 0) {
      this.#rows = null
      fill(this.#body, nothing('No limiters are defined.'))
      return
    }
    this.#rows ??= this.#start()
    this.#rows.show(state.limiters, ({ name }) => name)
    write(this.#note, `near limit and shadows since ${when(state.since, state.now)}`)
  }

  #start() {
    const { node, body, row } = table('Limiters', COLUMNS)
    fill(this.#body, node)
    return new Rows(
      body,
      (limiter) => this.make(limiter, row()),
      (rows, limiter) => this.#update(rows, limiter),
    )
  }

  /** @param {ConsoleLimiter} limiter @param {ReturnType<ReturnType<typeof table>['row']>} row */
  make({ name }, { node, cells }) {
    const [head, policies, ...rest] = cells
    const [near, trend, act] = rest.slice(OUTCOMES.length)
    const spark = new Spark()
    const meter = h('meter', { min: 0, max: 1, 'aria-hidden': 'true' })
    const share = h('span')
    near.append(share, meter)
    trend.append(spark.node)
    head.append(button(name, () => this.#chart(name), { class: 'link', 'aria-label': `Chart of ${name}` }))
    const change = () => {
      const limiter = this.#model?.state?.limiters.find((one) => one.name === name)
      if (limiter) this.#change(limiter)
    }
    const edit = button('Change', change, { class: 'small', 'aria-label': `Change ${name}` })
    act.append(edit)
    return { node, policies, rates: rest.slice(0, OUTCOMES.length), share, meter, spark, edit }
  }

  /** @param {ReturnType<Limiters['make']>} row @param {ConsoleLimiter} limiter */
  #update({ policies, rates, share, meter, spark, edit }, limiter) {
    // What a function of a route returns changes in that function.
    edit.hidden = limiter.policies.some(({ options }) => options === null)
    const texts = limiter.policies.flatMap((policy) => describe(policy))
    const isShown = texts.map(({ text }) => text).join('\n')
    if (policies.dataset.shown !== isShown) {
      policies.dataset.shown = isShown
      fill(
        policies,
        h(
          'ul',
          { class: 'plain' },
          texts.map(({ text, kind }) => h('li', { class: kind }, text)),
        ),
      )
    }
    const rate = this.#model?.limiterRate(limiter.name) ?? null
    OUTCOMES.forEach((outcome, i) => {
      write(rates[i], perSecond(rate === null ? null : rate[outcome]))
      const isZero = rate === null || rate[outcome] === 0
      set(rates[i], { class: `number ${isZero ? 'zero' : CLASSES[outcome]}` })
    })
    const shares = limiter.policies.map(nearShare).filter((each) => each !== null)
    const near = Math.max(...shares)
    write(share, shares.length === 0 ? '–' : percent(near))
    meter.hidden = shares.length === 0
    if (shares.length > 0) meter.value = near
    const series = this.#model?.series.get(limiter.name)
    if (series) spark.show(series)
  }
}

/** A policy in words, and what its shadow would do. @param {ConsolePolicy} policy */
function describe(policy) {
  const decisions = all(policy)
  const would = decisions === 0 ? 0 : policy.shadowDenied / decisions
  if (policy.enforce === 1) return [{ text: policy.text, kind: '' }]
  const how = policy.enforce === 0 ? 'Shadow' : `Enforced for ${percent(policy.enforce)} of the keys`
  return [
    { text: policy.text, kind: '' },
    { text: `${how}: would deny ${percent(would)}`, kind: 'shadow' },
  ]
}

// A policy as fields, from its options and back. What has no field here stays as it is.
import { h, on } from './dom.js'
import { choice, labelled, numberField, textField } from './fields.js'
import { periodText, readPeriod } from './period.js'

/** @typedef {Record<string, unknown>} Options */

const ALGORITHMS = /** @type {const} */ ([
  ['token-bucket', 'Token bucket: a rate and a burst'],
  ['sliding-window', 'Sliding window: so many in any period'],
  ['concurrency', 'Concurrency: so many in progress'],
])

/** The fields of each algorithm. @type {Record<string, readonly string[]>} */
const FIELDS = {
  'token-bucket': ['rate', 'per', 'burst', 'wait'],
  'sliding-window': ['rate', 'per'],
  concurrency: ['limit', 'hold'],
}
const NUMBERS = ['rate', 'burst', 'limit']
const OPTIONAL = ['burst', 'wait', 'hold']
const LABELS = /** @type {Record<string, string>} */ ({
  rate: 'Rate',
  per: 'Per',
  burst: 'Burst, at once',
  wait: 'Wait, at most',
  limit: 'Limit, in progress',
  hold: 'Hold, at most',
})
const BLOCK = /** @type {const} */ (['for', 'factor', 'max', 'forget'])
const BLOCK_LABELS = {
  for: 'Block for',
  factor: 'Each time longer by',
  max: 'At most',
  forget: 'Forget after',
}

/**
 * The fields of a policy. `read` returns its options.
 *
 * @param {Options} options
 * @param {{ enforces?: boolean }} [settings] whether it may be a shadow
 */
export function policyForm(options, { enforces = true } = {}) {
  const algorithm = choice(ALGORITHMS, String(options.algorithm ?? 'token-bucket'))
  const fields = /** @type {Record<string, { node: HTMLElement, input: HTMLInputElement }>} */ (
    Object.fromEntries(Object.keys(LABELS).map((name) => [name, optionField(name, options[name])]))
  )
  const block = blockFields(options.block)
  const enforce = enforces ? enforceField(options.enforce) : null
  const choose = () => {
    for (const [name, { node, input }] of Object.entries(fields)) {
      const isMeant = FIELDS[algorithm.value].includes(name)
      node.hidden = !isMeant
      input.disabled = !isMeant
    }
    block.node.hidden = algorithm.value === 'concurrency'
  }
  on(algorithm, 'change', choose)
  choose()
  const node = h(
    'div',
    { class: 'policy' },
    labelled('Algorithm', algorithm),
    h(
      'div',
      { class: 'fields' },
      Object.values(fields).map(({ node }) => node),
    ),
    block.node,
    enforce?.node ?? null,
  )
  const read = () => {
    /** @type {Options} */
    const read = { ...options }
    for (const name of [...Object.keys(LABELS), 'block']) delete read[name]
    if (options.algorithm !== undefined || algorithm.value !== 'token-bucket')
      read.algorithm = algorithm.value
    for (const name of FIELDS[algorithm.value]) {
      const text = fields[name].input.value.trim()
      if (text !== '') read[name] = NUMBERS.includes(name) ? Number(text) : readPeriod(text)
    }
    const blocks = algorithm.value === 'concurrency' ? undefined : block.read()
    if (blocks !== undefined) read.block = blocks
    return enforce === null ? read : { ...read, ...enforce.read() }
  }
  return { node, read }
}

/** @param {string} name @param {unknown} value */
function optionField(name, value) {
  const required = !OPTIONAL.includes(name)
  const input = NUMBERS.includes(name)
    ? numberField({ value: value === undefined ? '' : String(value), required })
    : textField({ value: periodText(value), required })
  const hint = name === 'per' ? 'minute, 15 minutes, 30s' : required ? '' : 'May be empty'
  return { node: labelled(LABELS[name], input, hint), input }
}

/** @param {unknown} block */
function blockFields(block) {
  const values = /** @type {Options} */ (
    block !== null && typeof block === 'object' ? block : { for: block ?? undefined }
  )
  const inputs = BLOCK.map((name) =>
    name === 'factor'
      ? numberField({ value: String(values.factor ?? ''), min: 1, step: 'any' })
      : textField({ value: periodText(values[name]) }),
  )
  const fields = inputs.map((input, i) =>
    labelled(BLOCK_LABELS[BLOCK[i]], input, i === 0 ? 'Empty: no blocks' : ''),
  )
  const node = h(
    'details',
    { class: 'part', open: values.for !== undefined },
    h('summary', {}, 'Block a key that is denied'),
    h('div', { class: 'fields' }, fields),
  )
  const read = () => {
    const [length, factor, max, forget] = inputs.map((input) => input.value.trim())
    if (length === '') return undefined
    if (factor === '' && max === '' && forget === '') return readPeriod(length)
    /** @type {Options} */
    const blocks = { for: readPeriod(length) }
    if (factor !== '') blocks.factor = Number(factor)
    if (max !== '') blocks.max = readPeriod(max)
    if (forget !== '') blocks.forget = readPeriod(forget)
    return blocks
  }
  return { node, read }
}

/** @param {unknown} enforce */
function enforceField(enforce) {
  const share = enforce === false ? 0 : enforce === undefined || enforce === true ? 1 : Number(enforce)
  const how = choice(
    [
      ['all', 'Denies'],
      ['none', 'Shadow: counts, and denies nobody'],
      ['some', 'Denies for a share of the keys'],
    ],
    share === 1 ? 'all' : share === 0 ? 'none' : 'some',
  )
  const percent = numberField({
    value: Math.round(share * 10_000) / 100,
    min: 0,
    max: 100,
    step: 'any',
    class: 'short',
  })
  const part = labelled('Share in %', percent)
  const choose = () => {
    part.hidden = how.value !== 'some'
  }
  on(how, 'change', choose)
  choose()
  const read = () => {
    if (how.value === 'some') return { enforce: Number(percent.value) / 100 }
    if (how.value === 'none') return { enforce: enforce === 0 ? 0 : false }
    return enforce === undefined ? {} : { enforce: enforce === 1 ? 1 : true }
  }
  return { node: h('div', { class: 'fields' }, labelled('What it does', how), part), read }
}

// Fields of forms, each with its label.
import { h } from './dom.js'

let last = 0

/**
 * A label and its field.
 *
 * @template {HTMLElement} F
 * @param {string} label
 * @param {F} field
 * @param {string} [hint]
 */
export function labelled(label, field, hint = '') {
  const id = `field-${++last}`
  field.id = id
  const help = hint === '' ? null : h('span', { class: 'hint', id: `${id}-hint` }, hint)
  if (help) field.setAttribute('aria-describedby', help.id)
  return h('div', { class: 'field' }, h('label', { for: id }, label), field, help)
}

/**
 * A field for text that no browser completes or corrects.
 *
 * @param {Record<string, string | number | boolean>} [attributes]
 */
export function textField(attributes = {}) {
  return h('input', {
    type: 'text',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    ...attributes,
  })
}

/** @param {Record<string, string | number | boolean>} [attributes] */
export const numberField = (attributes = {}) =>
  h('input', { type: 'number', inputmode: 'numeric', min: 0, step: 1, ...attributes })

/** @param {readonly (readonly [value: string, text: string])[]} options @param {string} [chosen] */
export function choice(options, chosen) {
  const field = h(
    'select',
    {},
    options.map(([value, text]) => h('option', { value }, text)),
  )
  if (chosen !== undefined) field.value = chosen
  return field
}

const UNITS = /** @type {const} */ ([
  ['minutes', 'minutes'],
  ['hours', 'hours'],
  ['days', 'days'],
])

/** A number and a unit, such as `10 minutes`. @param {string} label @param {number} amount */
export function periodField(label, amount) {
  const number = numberField({ value: amount, min: 1, required: true, class: 'short' })
  const unit = choice(UNITS)
  unit.setAttribute('aria-label', `${label}: unit`)
  const node = labelled(label, number)
  node.append(unit)
  node.classList.add('period')
  return { node, read: () => `${number.value} ${unit.value}` }
}

/**
 * A moment in the zone of the viewer, read as one that every zone understands; '' for none.
 *
 * @param {string} label
 */
export function momentField(label) {
  const field = h('input', { type: 'datetime-local', step: 60 })
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const node = labelled(label, field, `Your time, ${zone}. Empty: for ever.`)
  return { node, read: () => (field.value === '' ? '' : new Date(field.value).toISOString()) }
}

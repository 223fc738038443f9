// Tables that become lists on narrow screens. Their roles are written out, as a changed display takes them
// away.
import { h } from './dom.js'

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {string} [kind] `number` for numbers, `act` for buttons: a class of its cells
 * @property {boolean} [unseen] whether only screen readers get the title
 */

/**
 * An empty table. Rows go into `body`; `cellsOf` makes the cells of one.
 *
 * @param {string} caption
 * @param {readonly Column[]} columns
 */
export function table(caption, columns) {
  const body = h('tbody', { role: 'rowgroup' })
  const heads = columns.map(({ title, kind, unseen }) =>
    h(
      'th',
      { scope: 'col', role: 'columnheader', class: kind },
      unseen ? h('span', { class: 'unseen' }, title) : title,
    ),
  )
  const node = h(
    'table',
    { role: 'table', class: 'rows' },
    h('caption', { class: 'unseen' }, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads)),
    body,
  )
  return { node, body, row: () => row(columns) }
}

/** @param {readonly Column[]} columns */
function row(columns) {
  const cells = columns.map(({ title, kind, unseen }, i) =>
    i === 0
      ? h('th', { scope: 'row', role: 'rowheader', class: kind })
      : h('td', { role: 'cell', class: kind, 'data-title': unseen ? null : title }),
  )
  return { node: h('tr', { role: 'row' }, cells), cells }
}

/** A line in place of rows. @param {string} text */
export const nothing = (text) => h('p', { class: 'nothing' }, text)

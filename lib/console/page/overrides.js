// Keys with a policy of their own.
import { button, byId, fill, h, write } from './dom.js'
import { counted, fullTime, shortCount, shown, when } from './format.js'
import { nothing, table } from './table.js'

/** @typedef {import('../../../types/console.js').ConsoleOverride} ConsoleOverride */
/** @typedef {import('../../../types/console.js').ConsoleState} ConsoleState */
/** @typedef {import('./api.js').Subject} Subject */

const COLUMNS = [
  { title: 'Key' },
  { title: 'Policy', kind: 'wide' },
  { title: 'Used', kind: 'number' },
  { title: 'Actions', kind: 'act', unseen: true },
]

export class Overrides {
  #body = byId('overrides-body')
  #note = byId('overrides-note')
  #look
  #shown = ''

  /** @param {(subject: Subject, title: string) => void} look */
  constructor(look) {
    this.#look = look
  }

  /** @param {ConsoleState} state */
  show({ overrides, overridesInForce, now }) {
    const text = JSON.stringify(overrides)
    if (text === this.#shown || this.#body.contains(document.activeElement)) return
    this.#shown = text
    write(this.#note, overrides.length === 0 ? '' : counted(overridesInForce, 'key'))
    if (overrides.length === 0) {
      fill(this.#body, nothing('No key has a policy of its own.'))
      return
    }
    const { node, body, row } = table('Overrides', COLUMNS)
    for (const override of overrides) body.append(this.#fill(row(), override, now))
    fill(this.#body, node)
  }

  /**
   * @param {ReturnType<ReturnType<typeof table>['row']>} row
   * @param {ConsoleOverride} override
   * @param {number} now
   */
  #fill({ node, cells }, { limiter, id, key, text, until, comment, used }, now) {
    const [head, policy, uses, act] = cells
    head.append(h('bdi', { class: 'key' }, shown(key)), h('span', { class: 'note below' }, limiter))
    const end = until === null ? 'for ever' : `until ${when(until, now)}`
    policy.append(
      text,
      h('span', { class: 'note below', title: until === null ? null : fullTime(until) }, end),
      comment === '' ? '' : h('span', { class: 'comment' }, h('bdi', {}, shown(comment))),
    )
    write(uses, shortCount(used))
    const subject = { limiter, offender: id }
    act.append(
      button('Look up', () => this.#look(subject, key), {
        class: 'small',
        'aria-label': `Look up ${shown(key)}`,
      }),
    )
    return node
  }
}

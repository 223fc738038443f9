// Who changed what, and why.
import { byId, fill, h } from './dom.js'
import { fullTime, shown, when } from './format.js'
import { nothing } from './table.js'

/** @typedef {import('../../../types/console.js').ConsoleChange} ConsoleChange */
/** @typedef {import('../../../types/console.js').ConsoleState} ConsoleState */

const VERBS = {
  update: 'changed',
  override: 'overrode',
  block: 'blocked',
  reset: 'reset',
  document: 'loaded a document',
}
const MOST = 50

export class Changes {
  #body = byId('changes-body')
  #shown = ''

  /** @param {ConsoleState} state */
  show({ changes, now }) {
    const text = JSON.stringify(changes)
    if (text === this.#shown) return
    this.#shown = text
    const list = changes.slice(0, MOST)
    if (list.length === 0) fill(this.#body, nothing('Nothing was changed since the start.'))
    else
      fill(
        this.#body,
        h(
          'ol',
          { class: 'changes-list' },
          list.map((change) => item(change, now)),
        ),
      )
  }
}

/** @param {ConsoleChange} change @param {number} now */
function item({ at, who, verb, limiter, key, text, comment }, now) {
  return h(
    'li',
    {},
    h('time', { datetime: at, title: fullTime(at) }, when(at, now)),
    h(
      'p',
      {},
      h('b', {}, h('bdi', {}, who === null ? 'The app' : shown(who))),
      ` ${VERBS[verb] ?? verb}`,
      key !== null && ' ',
      key !== null && h('bdi', { class: 'key' }, shown(key)),
      limiter !== null && ` ${key === null ? '' : 'of '}${limiter}`,
      text !== '' && h('span', { class: 'what' }, h('bdi', {}, shown(text))),
      comment !== '' && h('span', { class: 'comment' }, h('bdi', {}, shown(comment))),
    ),
  )
}

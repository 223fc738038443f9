// Whether the numbers are live, and what to do where they are not.
import { button, byId, fill, h, set, write } from './dom.js'
import { clockTime } from './format.js'

/** @typedef {import('./feed.js').Status} Status */

export class StatusLine {
  #status = byId('status')
  #text = byId('status-text')
  #notice = byId('notice')
  #main = byId('main')
  #announce = byId('announce')
  #mode = ''
  #said = ''
  #again

  /** @param {() => void} again */
  constructor(again) {
    this.#again = again
    write(byId('host'), location.host)
  }

  /** @param {Status} status */
  show({ mode, at, error }) {
    const since = at === 0 ? '' : clockTime(at)
    write(
      this.#text,
      {
        loading: 'Loading',
        live: 'Live',
        asking: 'Live, every 3 s',
        stale: `No data since ${since}`,
        failed: 'No data',
      }[mode],
    )
    const isBad = mode === 'stale' || mode === 'failed'
    const wasBad = this.#mode === 'stale' || this.#mode === 'failed'
    if (isBad) this.#complain(mode === 'stale' ? `No data since ${since}.` : 'There is no data.', error)
    else if (!this.#notice.hidden) {
      this.#notice.hidden = true
      this.#said = ''
    }
    if (mode === this.#mode) return
    if (wasBad && !isBad) write(this.#announce, 'The numbers are live again.')
    this.#mode = mode
    set(this.#status, { 'data-mode': mode })
    set(this.#main, { 'data-mode': mode })
    if (mode === 'failed') {
      write(byId('headline'), 'The numbers could not be loaded')
      set(byId('reading'), { 'data-level': 'failed' })
    }
  }

  /** @param {string} what @param {string} error */
  #complain(what, error) {
    const text = `${what} ${error === '' ? 'The page keeps asking.' : `${error} The page keeps asking.`}`
    if (text === this.#said) return
    this.#said = text
    fill(this.#notice, h('p', {}, text), button('Ask now', this.#again, { class: 'small' }))
    this.#notice.hidden = false
  }
}

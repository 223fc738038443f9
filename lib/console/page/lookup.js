// The form that looks a key up. It is made by script: without one, a form would write the key into an
// address.
import { byId, fill, h, on, set, write } from './dom.js'
import { choice, labelled, textField } from './fields.js'

/** @typedef {import('../../../types/console.js').ConsoleState} ConsoleState */

export class Lookup {
  #limiter = choice([])
  #key = textField({ required: true, enterkeyhint: 'search' })
  #result = h('p', { class: 'result', role: 'status' })

  /** @param {(subject: { limiter: string, key: string }, title: string) => Promise<string>} look */
  constructor(look) {
    const form = h(
      'form',
      { method: 'post', class: 'lookup-form' },
      labelled('Limiter', this.#limiter),
      labelled('Key', this.#key, 'As it is counted: an address, a user, an API key'),
      h('button', { type: 'submit' }, 'Look up'),
      this.#result,
    )
    on(form, 'submit', async (event) => {
      event.preventDefault()
      write(this.#result, '')
      const error = await look({ limiter: this.#limiter.value, key: this.#key.value }, this.#key.value)
      set(this.#result, { 'data-bad': error !== '' })
      write(this.#result, error)
    })
    byId('lookup-body').append(form)
  }

  /** @param {ConsoleState} state */
  show({ limiters }) {
    const names = limiters.map(({ name }) => name)
    if (names.join('\n') === [...this.#limiter.options].map(({ value }) => value).join('\n')) return
    const { value } = this.#limiter
    fill(this.#limiter, ...names.map((name) => h('option', { value: name }, name)))
    if (names.includes(value)) this.#limiter.value = value
  }
}

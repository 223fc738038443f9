// Other policies for a limiter: fields, a preview with what it was beside it, and only then the change.
import { preview, update } from './api.js'
import { attempt, dialog } from './dialog.js'
import { button, fill, h, on, write } from './dom.js'
import { labelled, textField } from './fields.js'
import { count, shown } from './format.js'
import { policyForm } from './policy-form.js'

/** @typedef {import('../../../types/console.js').ConsoleLimiter} ConsoleLimiter */
/** @typedef {import('../../../types/console.js').ConsolePreview} ConsolePreview */

export class ChangeDialog {
  #dialog = dialog('change-dialog')
  #onChange

  /** @param {() => void} onChange after a change */
  constructor(onChange) {
    this.#onChange = onChange
  }

  /** @param {ConsoleLimiter} limiter */
  open(limiter) {
    const { title, body, node, say } = this.#dialog
    write(title, `Change ${limiter.name}`)
    say('')
    const forms = limiter.policies.map(({ options }) =>
      policyForm(/** @type {Record<string, unknown>} */ (options)),
    )
    const read = () => (forms.length === 1 ? forms[0].read() : forms.map((form) => form.read()))
    const step = h('div', { class: 'preview' })
    const show = (/** @type {() => object | null} */ policiesOf) =>
      attempt(form, this.#dialog, async () => {
        const policies = policiesOf()
        const seen = await preview({ limiter: limiter.name, policies })
        fill(step, ...difference(seen), seen.changed ? this.#confirm(limiter.name, policies) : '')
        step.scrollIntoView({ block: 'nearest' })
        return seen.changed ? 'Nothing has changed yet.' : 'That is what it is already.'
      })
    const form = h(
      'form',
      { method: 'post' },
      forms.map((form, i) => (forms.length === 1 ? form.node : group(limiter.policies[i].text, form.node))),
      h(
        'div',
        { class: 'choices' },
        h('button', { type: 'submit', class: 'second' }, 'Preview'),
        button('Undo changes', () => show(() => null), {
          class: 'second',
          title: 'Back to what the code says, or its document of limits',
        }),
      ),
    )
    // What was previewed is no longer what the fields say.
    on(form, 'input', () => fill(step))
    on(form, 'submit', (event) => {
      event.preventDefault()
      show(read)
    })
    fill(body, form, step)
    node.showModal()
  }

  /** @param {string} limiter @param {object | null} policies null: an undo */
  #confirm(limiter, policies) {
    const comment = textField({ maxlength: 1000, required: true })
    const form = h(
      'form',
      { method: 'post', class: 'confirm' },
      labelled('Why', comment, 'For those who read the history'),
      h(
        'button',
        { type: 'submit' },
        policies === null ? `Undo the changes of ${limiter} now` : `Change ${limiter} now`,
      ),
    )
    on(form, 'submit', async (event) => {
      event.preventDefault()
      const isDone = await attempt(form, this.#dialog, async () => {
        await update({ limiter, policies, comment: comment.value.trim() })
        return 'The change is in force.'
      })
      if (!isDone) return
      fill(
        this.#dialog.body,
        h(
          'p',
          {},
          `${limiter} goes by ${policies === null ? 'its own policies again' : 'its new policies'}.`,
        ),
        button('Back to the page', () => this.#dialog.node.close()),
      )
      this.#dialog.body.querySelector('button')?.focus()
      this.#onChange()
    })
    return form
  }
}

/** @param {string} text @param {HTMLElement} node */
const group = (text, node) => h('fieldset', { class: 'one-of' }, h('legend', {}, text), node)

/** @param {ConsolePreview} seen */
function difference({ before, after, offenders, warnings }) {
  const side = (/** @type {string} */ title, /** @type {string[]} */ lines) =>
    h(
      'div',
      {},
      h('h3', {}, title),
      h(
        'ul',
        { class: 'plain' },
        lines.map((line) => h('li', {}, line)),
      ),
    )
  return [
    h('div', { class: 'sides' }, side('Now', before), side('After', after)),
    warnings.length > 0 &&
      h(
        'ul',
        { class: 'warnings' },
        warnings.map((warning) => h('li', {}, warning)),
      ),
    offenders.length > 0 && h('h3', {}, 'What it means for those who are denied now'),
    offenders.length > 0 &&
      h(
        'ul',
        { class: 'plain those' },
        offenders.map(({ key, denied, text }) =>
          h(
            'li',
            {},
            h('bdi', { class: 'key' }, shown(key)),
            h('span', { class: 'note' }, ` ${count(denied)} denied`),
            h('span', { class: 'what' }, text),
          ),
        ),
      ),
  ]
}

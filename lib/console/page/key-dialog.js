// One key of one limiter: what it has left, and what an operator can do about it.
import { block, look, override, reset } from './api.js'
import { attempt, dialog } from './dialog.js'
import { button, fill, h, on } from './dom.js'
import { labelled, momentField, periodField, textField } from './fields.js'
import { duration, shown } from './format.js'
import { verdicts } from './key-verdicts.js'
import { policyForm } from './policy-form.js'

/** @typedef {import('../../../types/console.js').ConsoleKey} ConsoleKey */
/** @typedef {import('../../../types/console.js').ConsoleLimiter} ConsoleLimiter */
/** @typedef {import('./api.js').Subject} Subject */

const LOOK_EVERY = 2000

export class KeyDialog {
  #dialog = dialog('key-dialog')
  #left = h('div', { class: 'left', 'aria-live': 'off' })
  #actions = h('div', { class: 'actions' })
  #limiterOf
  #onChange
  /** @type {Subject} */
  #subject = { limiter: '', key: '' }
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer

  /**
   * @param {(name: string) => ConsoleLimiter | undefined} limiterOf
   * @param {() => void} onChange after an action
   */
  constructor(limiterOf, onChange) {
    this.#limiterOf = limiterOf
    this.#onChange = onChange
    this.#dialog.body.append(this.#left, this.#actions)
    on(this.#dialog.node, 'close', () => clearInterval(this.#timer))
  }

  /**
   * Resolves to an error's text, or '' once the key is shown.
   *
   * @param {Subject} subject
   * @param {string} key
   * @returns {Promise<string>}
   */
  async open(subject, key) {
    try {
      const found = await look(subject)
      this.#subject = subject
      fill(
        this.#dialog.title,
        h('bdi', { class: 'key' }, shown(found.key || key)),
        h('span', { class: 'note' }, ` of ${found.limiter}`),
      )
      this.#dialog.say('')
      this.#offer()
      this.#show(found)
      if (!this.#dialog.node.open) this.#dialog.node.showModal()
      clearInterval(this.#timer)
      this.#timer = setInterval(() => this.#again(), LOOK_EVERY)
      return ''
    } catch (error) {
      return /** @type {Error} */ (error).message
    }
  }

  async #again() {
    if (document.hidden) return
    const subject = this.#subject
    const found = await look(subject).catch(() => null)
    if (found && subject === this.#subject && this.#dialog.node.open) this.#show(found)
  }

  /** @param {ConsoleKey} found */
  #show(found) {
    const here = (/** @type {string} */ text, /** @type {() => Promise<string>} */ act) =>
      button(text, () => this.#do(this.#left, act), { class: 'small' })
    const lift = here('Lift the block', async () => {
      this.#show(await reset(this.#subject))
      return 'The block is lifted, and the key is as new.'
    })
    const end = here('End the override', async () => {
      this.#show(await override({ ...this.#subject, policy: null }))
      return 'The override has ended.'
    })
    // Buttons that are replaced would lose the focus.
    if (this.#left.contains(document.activeElement)) return
    fill(this.#left, ...verdicts(found, { lift, end }))
  }

  /** @param {HTMLElement} form @param {() => Promise<string>} act */
  async #do(form, act) {
    if (document.activeElement instanceof HTMLElement && this.#left.contains(document.activeElement))
      document.activeElement.blur()
    if (await attempt(form, this.#dialog, act)) this.#onChange()
  }

  /** The three things to do. */
  #offer() {
    fill(this.#actions, this.#resetForm(), this.#blockForm(), this.#overrideForm())
  }

  #resetForm() {
    return this.#form('Reset', 'Gives everything back, and ends a block.', [], 'Reset this key', async () => {
      this.#show(await reset(this.#subject))
      return 'Reset: the key is as new.'
    })
  }

  #blockForm() {
    const period = periodField('Block for', 10)
    const comment = textField({ maxlength: 1000 })
    return this.#form(
      'Block',
      'Denies every call until the end of the block.',
      [period.node, labelled('Why', comment)],
      'Block this key',
      async () => {
        const found = await block({ ...this.#subject, period: period.read(), ...commented(comment.value) })
        this.#show(found)
        const longest = Math.max(...found.policies.map(({ retryAfter }) => retryAfter ?? 0))
        return `Blocked for ${duration(longest)}.`
      },
    )
  }

  #overrideForm() {
    const limiter = this.#limiterOf(this.#subject.limiter)
    const first = /** @type {Record<string, unknown>} */ (limiter?.policies[0]?.options ?? {})
    const { name: _name, enforce: _enforce, ...options } = first
    const form = policyForm(options, { enforces: false })
    const none = h('input', { type: 'checkbox' })
    on(none, 'change', () => {
      form.node.hidden = none.checked
      for (const field of form.node.querySelectorAll('input'))
        if (!field.closest('[hidden] .field, .field[hidden]')) field.disabled = none.checked
    })
    const until = momentField('Until')
    const comment = textField({ maxlength: 1000 })
    const fields = [
      h('label', { class: 'check' }, none, ' no limit at all'),
      form.node,
      until.node,
      labelled('Why', comment),
    ]
    return this.#form(
      'Override',
      'Gives this key a policy of its own.',
      fields,
      'Set the override',
      async () => {
        const end = until.read()
        const policy = none.checked ? false : form.read()
        this.#show(
          await override({
            ...this.#subject,
            policy,
            ...(end === '' ? {} : { until: end }),
            ...commented(comment.value),
          }),
        )
        return 'The override is in force.'
      },
    )
  }

  /**
   * @param {string} title
   * @param {string} text
   * @param {readonly HTMLElement[]} fields
   * @param {string} verb
   * @param {() => Promise<string>} act
   */
  #form(title, text, fields, verb, act) {
    const form = h(
      'form',
      { method: 'post' },
      h('p', { class: 'note' }, text),
      fields,
      h('button', { type: 'submit', class: title === 'Block' ? 'grave' : '' }, verb),
    )
    on(form, 'submit', (event) => {
      event.preventDefault()
      this.#do(form, act)
    })
    return h('details', { name: 'act' }, h('summary', {}, title), form)
  }
}

/** @param {string} comment */
function commented(comment) {
  return comment.trim() === '' ? {} : { comment: comment.trim() }
}

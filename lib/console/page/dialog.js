// A dialog over the page: Escape and the button close it, and the focus goes back to where it was.
import { button, h, set, write } from './dom.js'

/** @param {string} id */
export function dialog(id) {
  const title = h('h2', { id: `${id}-title` })
  const body = h('div', { class: 'dialog-body' })
  const result = h('p', { class: 'result', role: 'status' })
  const node = h(
    'dialog',
    { id, 'aria-labelledby': title.id },
    h(
      'header',
      {},
      title,
      button('Close', () => node.close(), { class: 'small' }),
    ),
    body,
    result,
  )
  document.body.append(node)
  return {
    node,
    title,
    body,
    /** Says what came of an action. @param {string} text @param {boolean} [isBad] */
    say(text, isBad = false) {
      set(result, { 'data-bad': isBad })
      write(result, text)
    },
  }
}

/**
 * Runs an action once at a time, with its form out of use meanwhile. Returns false after an error, which
 * is shown.
 *
 * @param {HTMLElement} form
 * @param {{ say(text: string, isBad?: boolean): void }} dialog
 * @param {() => Promise<string>} act returns what to say
 */
export async function attempt(form, dialog, act) {
  if (form.inert) return false
  const focused = document.activeElement
  form.inert = true
  dialog.say('…')
  try {
    dialog.say(await act())
    return true
  } catch (error) {
    dialog.say(/** @type {Error} */ (error).message, true)
    return false
  } finally {
    form.inert = false
    // What is inert loses the focus.
    if (focused instanceof HTMLElement && focused.isConnected) focused.focus()
  }
}

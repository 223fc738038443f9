// What each policy of a limiter has left for one key.
import { h } from './dom.js'
import { count, duration, fullTime, shown } from './format.js'

/** @typedef {import('../../../types/console.js').ConsoleKey} ConsoleKey */
/** @typedef {import('../../../types/console.js').ConsoleVerdict} ConsoleVerdict */

/**
 * @param {ConsoleKey} found
 * @param {{ lift: HTMLElement, end: HTMLElement }} buttons that lift a block, and end an override
 */
export function verdicts({ policies, override }, { lift, end }) {
  const none = h('p', { class: 'nothing' }, 'This key has no limit.')
  const list = policies.length === 0 ? none : h('ul', { class: 'verdicts' }, policies.map(verdict))
  const parts = policies.some(({ blocked }) => blocked) ? [list, lift] : [list]
  if (override === null) return parts
  const until = override.until === null ? 'for ever' : `until ${fullTime(override.until)}`
  const comment =
    override.comment === '' ? '' : h('span', { class: 'comment' }, h('bdi', {}, shown(override.comment)))
  return [
    ...parts,
    h(
      'div',
      { class: 'override' },
      h('p', {}, h('b', {}, 'Override: '), `${override.text}, ${until}`, comment),
      end,
    ),
  ]
}

/** @param {ConsoleVerdict} verdict */
function verdict({ text, name, allowed, blocked, shadow, remaining, limit, retryAfter, resetAfter }) {
  const outcome = blocked ? 'blocked' : allowed ? 'allowed' : 'denied'
  const isCounted = shadow && !allowed
  const again = retryAfter === null ? 'never allowed' : `allowed again in ${duration(retryAfter)}`
  const full = resetAfter === 0 ? 'nothing used' : `all back in ${duration(resetAfter)}`
  const sentence = blocked ? `blocked for ${duration(retryAfter)}` : allowed ? full : `${again}, ${full}`
  const left = `${count(remaining)} of ${count(limit)} left`
  return h(
    'li',
    { class: isCounted ? 'shadow' : outcome },
    h(
      'p',
      { class: 'rule' },
      h('b', {}, text),
      text === name ? '' : h('span', { class: 'note' }, ` ${name}`),
    ),
    h(
      'p',
      { class: 'rest' },
      h('b', { class: 'word' }, isCounted ? `would be ${outcome}` : outcome),
      h('span', {}, left),
      h('span', { class: 'note' }, sentence),
    ),
    h('meter', { min: 0, max: Math.max(limit, 1), value: remaining, 'aria-label': left }),
  )
}

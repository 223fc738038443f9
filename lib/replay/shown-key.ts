import { showKey } from '../observe/index.js'
import { visible } from '../policy/index.js'
import { BY_IP } from './readers/selection.js'

/** Most characters of a key that is shown whole. */
const LONGEST = 200

/**
 * A key as people see it: an address as it is, any other key shortened as everywhere, or whole with `all`.
 * Characters that terminals obey, such as escape sequences, never get through.
 */
export function shownKey(key: string, strategy: string, all: boolean): string {
  if (key.startsWith(BY_IP)) return `${shownText(key.slice(BY_IP.length))} (no ${strategy})`
  return shownText(all || strategy === 'ip' || strategy === 'global' ? key : showKey(key))
}

/** Text of a log: cut where it is long, and with invisible characters as `\u{…}`. */
export function shownText(text: string, longest = LONGEST): string {
  return visible(text.length > longest ? `${text.slice(0, longest - 1)}…` : text)
}

import { showKey } from '../observe/index.js'
import { BY_IP } from './readers/selection.js'

/** Most characters of a key that is shown whole. */
const LONGEST = 200

/**
 * A key as people see it: an address as it is, any other key shortened as everywhere, or whole with `all`.
 * Characters that terminals obey, such as escape sequences, never get through.
 */
export function shownKey(key: string, strategy: string, all: boolean): string {
  if (key.startsWith(BY_IP)) return `${visible(key.slice(BY_IP.length))} (no ${strategy})`
  return visible(all || strategy === 'ip' || strategy === 'global' ? key : showKey(key))
}

/** Writes line breaks and other invisible characters as `\u{…}`, and cuts long text. */
export function visible(text: string, longest = LONGEST): string {
  const short = text.length > longest ? `${text.slice(0, longest - 1)}…` : text
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

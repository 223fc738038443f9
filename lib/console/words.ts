import type { Policy } from '../../types/index.js'
import { describe } from '../policy/index.js'

/** Most characters of a key that are shown. */
const LONGEST = 200

/** The beginning of a text and its length, so that no list grows with what clients send. */
export function clip(text: string): string {
  const start = [...text.slice(0, 2 * LONGEST + 1)]
  if (start.length <= LONGEST) return text
  return `${start.slice(0, LONGEST).join('')}… (${text.length.toLocaleString('en-US')} characters)`
}

/** A policy in words. */
export function textOf(policy: Policy): string {
  return describe([policy])
}

/** The same, with whom it denies. */
export function fullText(policy: Policy): string {
  const { enforce } = policy
  if (enforce === 1) return textOf(policy)
  return `${textOf(policy)}, ${enforce === 0 ? 'as a shadow' : `enforced for ${percent(enforce)} of the keys`}`
}

/** A share in words: `12 %`, `0.4 %`. */
export function percent(share: number): string {
  return `${number(share * 100)} %`
}

/** A number with two digits that count, or all that are before the point. */
export function number(amount: number): string {
  return amount.toLocaleString('en-US', {
    maximumSignificantDigits: Math.max(2, String(Math.round(amount)).length),
  })
}

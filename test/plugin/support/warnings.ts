import type { Test } from 'tap'

export interface Emitted {
  readonly type: string
  readonly code: string
  readonly message: string
}

/** The process warnings of a test from here on, instead of printing them. */
export function emitted(t: Test): Emitted[] {
  const list: Emitted[] = []
  t.intercept(process, 'emitWarning', {
    value: (message: string, options: { type: string; code: string }) => list.push({ message, ...options }),
  })
  return list
}

export const codes = (list: readonly Emitted[]): string[] => list.map(({ code }) => code.slice(-4))

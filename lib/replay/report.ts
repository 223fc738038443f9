import type { Period, PolicyOptions } from '../../types/index.js'
import type { Format } from './readers/detect.js'

/** All numbers of a replay, as `--json` prints them. Times are ISO 8601 in UTC, shares are from 0 to 1. */
export interface ReplayReport {
  readonly files: readonly FileReport[]
  /** The first and the last request; null where there is none. */
  readonly from: string | null
  readonly to: string | null
  /** Who was counted: `'ip'`, `'global'` or a field. */
  readonly key: string
  readonly keys: number
  readonly requests: number
  /** Requests that `where` and `status` left out. */
  readonly leftOut: number
  /** Lines that are no requests, such as messages of the application. */
  readonly otherLines: number
  readonly unreadableLines: number
  /**
   * Requests that count at the time of those around them: those older than `skew` allows, and a few in a row
   * that are more than an hour ahead of those after them, and of those before them where there are some.
   */
  readonly outOfOrder: number
  readonly policies: readonly PolicyReport[]
  readonly advice: Advice | null
}

export interface FileReport {
  readonly file: string
  /** Null for a file without lines. */
  readonly format: Format | null
  readonly lines: number
  readonly requests: number
  readonly unreadableLines: number
  /** The first line that is not readable. */
  readonly unreadable: { readonly line: number; readonly reason: string; readonly text: string } | null
  /** Why the file ends too early. Null where it does not. */
  readonly damage: string | null
}

/** Requests or keys, and their share of all. */
export interface Count {
  readonly count: number
  /** From 0 to 1. */
  readonly share: number
}

/** What a policy, or several that must all allow, would have done. */
export interface PolicyReport {
  /** Its name, or what it allows: `'100 per minute, burst 10'`. */
  readonly name: string
  readonly options: readonly PolicyOptions[]
  readonly requests: number
  /** Requests that would have been denied, those of blocked keys included. */
  readonly denied: Count
  /** Requests that would have been denied because their key was blocked. */
  readonly blocked: Count
  /** Requests that would have been held, with `wait`. */
  readonly delayed: Count
  /** Keys that would have been denied at least once. */
  readonly keysDenied: Count
  /** The keys with most denials, at most ten. */
  readonly hardest: readonly DeniedKey[]
  /** Most denials of one key in a row, without an allowed request between them. */
  readonly longestRun: {
    readonly key: string
    readonly denials: number
    readonly from: string
    readonly to: string
  } | null
  readonly timeline: TimelineReport
  /** Requests of which the log has no duration. A concurrency policy takes them for done at once. */
  readonly withoutDuration: number
}

export interface DeniedKey {
  readonly key: string
  readonly requests: number
  readonly denied: number
}

/** Requests and denials over time: the numbers of each bar. */
export interface TimelineReport {
  /** The beginning of the first bar. */
  readonly from: string | null
  /** Length of a bar in seconds. */
  readonly seconds: number
  readonly requests: readonly number[]
  readonly denied: readonly number[]
}

/** Least limits with which such shares of the keys are never denied. */
export interface Shares {
  readonly '50%': number
  readonly '90%': number
  readonly '99%': number
  readonly '99.9%': number
}

export interface Advice {
  /** Token buckets: the least burst at each rate. */
  readonly rates: readonly { readonly rate: number; readonly per: Period; readonly burst: Shares }[]
  /**
   * Sliding windows: the least rate for each period. It may be too high by 1 part in 64, where keys have more
   * than 64 different moments in the longest window.
   */
  readonly windows: readonly { readonly per: Period; readonly rate: Shares }[]
  /** A policy that never denies 99 % of the keys. Null where its burst would be larger than allowed. */
  readonly suggestion: Suggestion | null
}

export interface Suggestion {
  readonly policy: { readonly rate: number; readonly per: Period; readonly burst: number }
  /** The policy as code. */
  readonly code: string
  /** Keys that it would have denied at least once. */
  readonly keysDenied: Count
  /** The keys that need the largest burst at this rate, at most ten. */
  readonly deciding: readonly { readonly key: string; readonly requests: number; readonly burst: number }[]
  /** How many keys need a burst of at most so many units at this rate, and more than those before. */
  readonly peaks: readonly { readonly upTo: number; readonly keys: number }[]
  /** What it would have done. Null where a stream was read, which cannot be read again. */
  readonly report: PolicyReport | null
}

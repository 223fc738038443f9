import type { ChangeOptions } from './changes.js'
import type { Policy, PolicyOptions } from './policy.js'

/**
 * Where limits come from while the app runs: `fileLimits()`, `redisLimits()`, or your own. It delivers the
 * text of a document whenever it is another one.
 */
export interface LimitsSource {
  /**
   * Begins. The app waits for the promise when it gets ready, and does not start if it rejects. `apply` puts
   * a document in force: until the promise has resolved it throws for one that is not allowed, and later it
   * logs that. `place` says in such errors where the document lies. `report` says that the source cannot be
   * read. A source that rejects must have let go of all: it is not stopped.
   */
  start(apply: (text: string, place?: string) => void, report: (error: Error) => void): Promise<void>
  /** Ends, when the app closes. Another app may start it then. */
  stop(): void
}

/** The outcomes of the documents of a source. */
export interface LimitsStats {
  /** Documents that were put in force. One that comes again while it is in force does not count. */
  readonly ok: number
  /** Documents that were not allowed, and changed nothing. */
  readonly invalid: number
  /** How often the source could not be read. */
  readonly unreadable: number
  /** Which document is in force: the beginning of its SHA-256. Null: the limits of the code. */
  readonly version: string | null
  /** The message of the last failure. Null after a document that is allowed. */
  readonly lastError: string | null
}

/** The options of `override()` beside the policy. */
export interface OverrideOptions extends ChangeOptions {
  /**
   * When it ends: an instant with its time zone, such as `'2027-01-31T18:00:00Z'`, or a Date. Default: never.
   */
  until?: string | Date
}

/** An override that is in force. */
export interface Override {
  readonly limiter: string
  /** The key as it is counted. */
  readonly key: string
  /** As it was given. `false`: no limit. */
  readonly policy: PolicyOptions | false
  /** The same with what it takes from the limiter: what counts the key. Null: no limit. */
  readonly inForce: Policy | null
  /** When it ends; null: never. */
  readonly until: Date | null
  readonly comment: string
  /** How often the key was looked up: by requests, and by calls of the limiter. */
  readonly used: number
}

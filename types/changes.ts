/** The author of a change, and the reason for it. */
export interface ChangeOptions {
  /**
   * The author of the change, such as a name or an address: at most 200 characters. Default: nobody is named.
   */
  who?: string
  /** The reason, for readers of the list: at most 1,000 characters. */
  comment?: string
}

/**
 * The kind of change: `'document'` is one of the option `limits`, the others are calls of `app.rateLimit`.
 */
export type ChangeVerb = 'update' | 'override' | 'block' | 'reset' | 'document'

/** A change while the app runs. */
export interface Change {
  readonly at: Date
  /** Null where the caller did not say it, and of documents. */
  readonly who: string | null
  readonly verb: ChangeVerb
  /** Null of documents. */
  readonly limiter: string | null
  /** The key as it is counted. Null where the change is of a whole limiter, and of documents. */
  readonly key: string | null
  /** The new state, in words or as the JSON of policies. */
  readonly text: string
  readonly comment: string
}

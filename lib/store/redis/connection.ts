export type ScriptVerb = 'evalsha' | 'eval'

/** A script call under way. */
export interface Run {
  readonly reply: Promise<unknown>
  /**
   * We no longer wait, or the connection was lost: from now on the call says `STOP` wherever it is written, if it was not written yet or
   * the client writes it again, so that nobody is charged by it.
   */
  cancel(): void
}

/** What all clients can do for us. */
export interface Connection {
  /** Must the keys of a call lie in one hash slot? */
  readonly isCluster: boolean
  /** What the client itself puts before each key. */
  readonly keyPrefix: string
  /** Is it of any use to ask now? False while a lost connection is made anew. */
  ready(): boolean
  /** Calls a script, by its text or digest, with `GO` and then `args` as its arguments. */
  run(verb: ScriptVerb, script: string, keys: readonly string[], args: readonly string[]): Run
  /**
   * Calls `listener` when a connection is lost and the client will send again what was under way, until the returned function is
   * called. `all`: everything under way was lost.
   */
  onLoss(listener: (all: boolean) => void): () => void
  /** Makes the connection anew, where the client can: it ended up at a replica, which takes no writes. */
  reconnect(): void
}

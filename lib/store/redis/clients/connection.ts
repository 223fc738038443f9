/**
 * What the first argument of the script begins with where it is to do nothing, and to reply with nothing; no
 * deadline does.
 */
export const STOP = '0'

export type ScriptVerb = 'evalsha' | 'eval'

/** A script call under way. */
export interface Run {
  readonly reply: Promise<unknown>
  /**
   * We no longer wait, or the connection was lost: from now on the call says `STOP` wherever it is written,
   * if it was not written yet or the client writes it again, so that nobody is charged by it.
   */
  cancel(): void
}

/** A client of any kind, as the store uses it. */
export interface Connection {
  /** Whether the keys of a call must lie in one hash slot. */
  readonly isCluster: boolean
  /** What the client itself puts before each key. */
  readonly keyPrefix: string
  /**
   * Why no call can be made now; null where one can, also before the first connection, for which a call
   * waits.
   */
  obstacle(): string | null
  /**
   * The last error that the client itself emitted; null or undefined where there is none, or it is connected
   * again.
   */
  lastError(): unknown
  /**
   * Calls a script, by its text or digest. The first argument is what `cancel` changes: the deadline, see
   * `lua/deadline.ts`.
   */
  run(verb: ScriptVerb, script: string, keys: readonly string[], args: readonly string[]): Run
  /**
   * Listens to the client until the returned function is called: to its errors, so that they do not end the
   * process, and to lost connections, where it will send again what was under way. `onLoss` gets `all`:
   * whether everything under way was lost.
   */
  watch(onLoss: (all: boolean) => void): () => void
  /**
   * What the server says to INFO memory, in a Cluster each master. Rejects where the client or the server
   * does not tell.
   */
  memoryInfo(): Promise<readonly unknown[]>
  /** Connects again, where the client can: it is connected to a replica, which takes no writes. */
  reconnect(): void
}

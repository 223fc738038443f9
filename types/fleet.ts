/** Changes by other processes, as the texts that they gave. */
export interface FleetNews {
  /** The subjects that changed: the text that is in force now, and the one before. Null: none. */
  readonly changes: readonly { readonly before: string | null; readonly after: string | null }[]
  /** The notes of other processes, the oldest first. */
  readonly notes: readonly FleetNote[]
}

export interface FleetNote {
  readonly text: string
  /** When the store received it, in milliseconds since 1970. */
  readonly at: number
  /** Milliseconds since then. */
  readonly age: number
  /** Whether it was sent before this process heard of the fleet for the first time. */
  readonly isPast: boolean
}

/** A registration, as a store sees it that processes share. */
export interface FleetMember {
  /** Puts in force here what other processes did. Must not throw. */
  hear(news: FleetNews): void
  /** A text that other processes ask for: what is going on here. Called only while somebody asks. */
  report(): string
  /** The store has lost what it had, keys included. */
  onLoss(): void
  /** Called when the store cannot be reached for this, and with null when it is reached again. */
  onFailure(error: Error | null): void
}

/** The place of one registration in the fleet. */
export interface FleetSeat {
  /** Resolves when what is in force is known, or the store could not be reached. It is tried again then. */
  start(): Promise<void>
  /** Throws `FST_FLOODGATE_OPTION` where a text of so many characters is too long, or there is no room. */
  check(size: number): void
  /**
   * Puts a text in force for a subject in all processes, until `until` (milliseconds since 1970; `Infinity`:
   * for ever), with a note for them. Null ends it. What cannot be sent now is sent later.
   */
  put(subject: string, text: string | null, note: string, until: number): void
  /** Milliseconds since 1970 by the store's clock, as far as it is known: clocks of processes differ. */
  now(): number
  /** Sends all processes a note. */
  note(note: string): void
  /** The reports of other processes, as far as they are known. To call it is to ask for them. */
  reports(): readonly string[]
  stop(): void
}

/** The state that processes over one store share beside the keys that they count. */
export interface Fleet {
  /**
   * Joins. The first registration over a store shares its state with the first in other processes, the second
   * with the second.
   */
  join(member: FleetMember): FleetSeat
}

import type { Values } from './arguments.js'
import type { KeptLimits } from './kept-limits.js'

/** The part of the world outside that is needed. */
export interface Io {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What a verb over Redis does. Resolves to its exit code. */
export type Act = (kept: KeptLimits, files: readonly string[], values: Values, io: Io) => Promise<number>

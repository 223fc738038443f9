import type { Io } from '../../command/index.js'
import type { Values } from './arguments.js'
import type { KeptLimits } from './kept-limits.js'

/** What a verb over Redis does. Resolves to its exit code. */
export type Act = (kept: KeptLimits, files: readonly string[], values: Values, io: Io) => Promise<number>

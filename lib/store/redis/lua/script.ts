import { hash } from 'node:crypto'
import { BODY, HEAD } from './batch.js'
import { ONE_TAKE } from './one-take.js'
import { SLIDING_WINDOW } from './sliding-window.js'
import { TOKEN_BUCKET } from './token-bucket.js'

/** The one script, for all laws and all verbs. Needs Redis 6.2 or any Valkey. */
export const SCRIPT = ONE_TAKE + HEAD + TOKEN_BUCKET + SLIDING_WINDOW + BODY

/** The name under which servers know it. */
export const SCRIPT_SHA = hash('sha1', SCRIPT)

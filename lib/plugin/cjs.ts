import { ipKey } from '../address/index.js'
import { retryAfterSeconds } from '../http/index.js'
import { createLimiter } from '../limiter/index.js'
import { memoryStore } from '../store/index.js'
import { plugin as floodgate } from './plugin.js'

/**
 * The plugin with the package's other functions as properties, because `require()` returns one value only
 * (Node.js, "Loading ECMAScript modules using require()").
 */
export const plugin = Object.assign(floodgate, { createLimiter, memoryStore, ipKey, retryAfterSeconds })

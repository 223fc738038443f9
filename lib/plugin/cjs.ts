import { retryAfterSeconds } from '../http/index.js'
import { createLimiter } from '../limiter/index.js'
import { memoryStore } from '../store/index.js'
import { plugin as floodgate } from './plugin.js'

/**
 * The plugin with the package's other functions as properties: `require()` can return one value only, and this is it
 * (Node.js, "Loading ECMAScript modules using require()").
 */
export const plugin = Object.assign(floodgate, { createLimiter, memoryStore, retryAfterSeconds })

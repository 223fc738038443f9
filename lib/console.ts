export type * from '../types/console.js'
export type { RateLimitConsoleOptions } from '../types/console-plugin.js'
export { rateLimitConsole as default, rateLimitConsole as 'module.exports' } from './console/index.js'

export { rateLimitConsole } from './plugin.js'

export { plugin } from './cjs.js'

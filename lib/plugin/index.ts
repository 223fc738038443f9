export { plugin } from './require.js'

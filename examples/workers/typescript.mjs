// The first file of a thread that runs TypeScript: each thread must register tsx. Compiled code does not need
// this file.
import { register } from 'tsx/esm/api'

register()
await import('./worker.ts')

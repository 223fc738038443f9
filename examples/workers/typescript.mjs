// The first file of a thread that is written in TypeScript: tsx has to be asked in each thread. Compiled code needs none of this.
import { register } from 'tsx/esm/api'

register()
await import('./worker.ts')

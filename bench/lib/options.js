import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.js'

const { values } = parseArgs({
  options: {
    /** The checkout to be measured: by default the one that this folder is in. */
    source: { type: 'string' },
    /** Another checkout to be measured beside it. */
    other: { type: 'string', multiple: true, default: [] },
    /** Few rounds: does it run at all? */
    quick: { type: 'boolean', default: false },
    /** Only the cases whose name contains this. */
    only: { type: 'string', default: '' },
    /** Without peers. */
    alone: { type: 'boolean', default: false },
  },
})

export const { quick, only, alone } = values

/** This checkout, and those to compare it with: how each is called, and where it was built. */
export function ours() {
  const builds = [{ suffix: '', build: build(values.source) }]
  for (const other of values.other) builds.push({ suffix: ` (${other})`, build: build(resolve(other)) })
  return builds
}

// What ends with this process must end, too, when it is called off: servers, lanes, builds.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

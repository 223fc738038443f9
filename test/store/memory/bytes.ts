import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/**
 * Bytes in use on the heap and in array buffers once the garbage is gone. What is measured must be used
 * afterwards, or it is garbage too.
 */
export async function bytesInUse(): Promise<number> {
  // What weak references named in this turn of the event loop is held until it ends: abort signals are.
  await setImmediate()
  // The first collection leaves buffers to be freed on another thread; the second waits for that one.
  collect()
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

import { after } from '../../clock.js'
import type { Connection } from './connection.js'

/**
 * Runs a script and resolves to its reply. Rejects with an error whose message is the reason: what the server
 * or the client says, or that there was no answer within `timeout` milliseconds. The script gets '1' as its
 * first argument, or '0' where nobody waits any more when it is written.
 */
export async function askRedis(
  connection: Connection,
  script: string,
  keys: readonly string[],
  args: readonly string[],
  timeout: number,
): Promise<unknown[]> {
  const obstacle = connection.obstacle()
  if (obstacle !== null) throw new Error(obstacle)
  const run = connection.run('eval', script, keys, ['1', ...args])
  return (await within(timeout, run.reply, run.cancel)) as unknown[]
}

/** The value of a promise, or an error where it does not come within `timeout` milliseconds. */
export async function within<T>(timeout: number, value: Promise<T>, giveUp: () => void): Promise<T> {
  let cancel = () => {}
  const late = new Promise<never>((_resolve, reject) => {
    cancel = after(timeout, () => {
      giveUp()
      reject(new Error(`no answer within ${timeout} ms`))
    })
  })
  try {
    return await Promise.race([value, late])
  } finally {
    cancel()
  }
}

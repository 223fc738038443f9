import { setImmediate } from 'node:timers/promises'
import type { Test } from 'tap'
import type { LimitsSource } from '../../types/index.js'

/** A source of limits, and what it delivered. */
interface Watched {
  source: LimitsSource
  seen: string[]
  start: () => Promise<void>
  /** Lets the source look again. */
  later: () => Promise<unknown>
}

/**
 * A source that is in use is refused, and one that was stopped starts again. `write` writes its document;
 * `maker` is the function that makes such a source.
 */
export async function startsAgain(
  t: Test,
  maker: string,
  { source, seen, start, later }: Watched,
  write: (text: string) => unknown,
): Promise<void> {
  await write('{}')
  await start()
  await t.rejects(start(), {
    code: 'FST_FLOODGATE_LIMITS',
    message: `a source of limits is in use already: call ${maker} for each registration`,
  })
  source.stop()
  await start()
  t.same(seen, ['{}', '{}'], 'it is delivered again')
  await write('{ }')
  await later()
  while (seen.length < 3) await setImmediate()
  t.equal(seen[2], '{ }')
}

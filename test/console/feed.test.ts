import { test } from 'tap'
import { Feed } from '../../lib/console/feed.js'
import { STEP } from '../../lib/console/history.js'
import { safeAfter } from '../../lib/console/safe-after.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { ManualTimers } from '../fixtures/manual-timers.js'

test('the history goes on after a fault', async (t) => {
  const clock = new ManualClock()
  const timers = new ManualTimers(clock)
  const faults: object[] = []
  let allowed = 0
  let isFaulty = false
  const stats = () => {
    if (isFaulty) throw new Error('no stats')
    const counts = { allowed: ++allowed, delayed: 0, denied: 0, blocked: 0, shadowDenied: 0 }
    return { limiters: { default: { policies: { default: counts } } } }
  }
  const view = { state: (_now: number, series: object) => series }
  const feed = new Feed({ stats } as never, view as never, () => clock.now())
  const logger = { error: (details: object) => faults.push(details) }
  feed.start(safeAfter(timers.after, logger as never))
  await timers.advance(STEP)
  isFaulty = true
  await timers.advance(2 * STEP)
  isFaulty = false
  await timers.advance(2 * STEP)
  t.match(feed.state(), { total: { allowed: [1, 0, 0, 1, 1] } }, 'it has no points of the time between')
  t.match(faults, [{ err: { message: 'no stats' } }])
  t.equal(faults.length, 1)
  feed.stop()
  t.equal(timers.armed, 0)
})

import { test } from 'tap'
import { DenialLog } from '../../lib/observe/denial-log.js'
import { ManualClock } from '../fixtures/manual-clock.js'

function logged() {
  const clock = new ManualClock()
  const lines: unknown[] = []
  const write = (...line: unknown[]) => void lines.push(line)
  return { clock, lines, log: new DenialLog('login', { write, now: () => clock.now() }) }
}

test('the first denial is logged at once, and then one line a minute says how many there were', async (t) => {
  const { clock, lines, log } = logged()
  log.add()
  t.same(lines.splice(0), [['login', 1, null]])
  for (let second = 0; second < 59; second++) {
    clock.advance(1000)
    log.add()
  }
  t.same(lines, [])
  clock.advance(1000)
  log.add()
  t.same(lines.splice(0), [['login', 60, 60]])
  clock.advance(3_600_000)
  log.add()
  t.same(lines, [['login', 1, 3600]], 'each denial is in one line')
})

test('what no line counts yet comes at the end, and only if there is any', async (t) => {
  const { clock, lines, log } = logged()
  log.flush()
  log.add()
  log.flush()
  t.same(lines.splice(0), [['login', 1, null]])
  clock.advance(1500)
  log.add()
  log.add()
  log.flush()
  t.same(lines, [['login', 2, 2]])
})

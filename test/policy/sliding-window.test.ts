import { test } from 'tap'
import { slidingWindow } from '../../lib/policy/index.js'
import { WindowKey } from '../fixtures/pure-key.js'
import { runCases } from './run-case.js'

test('the table of cases holds on the pure law', (t) => {
  runCases(t, 'W')
  t.end()
})

test('heal moves a ring out of the future and keeps the distances between its units', async (t) => {
  const key = new WindowKey({ rate: 4, window: 1000 })
  for (const now of [5000, 5100, 5350]) key.take(now, 1)
  slidingWindow.heal(key.ring, 2000)
  t.match(key.peek(2000, 4), { allowed: false, remaining: 1, wait: 1000 }, 'the newest is as if of now')
  t.match(key.peek(2000, 2), { wait: 1000 - 350 }, 'the oldest is older by 350')
  t.match(key.peek(2000, 3), { wait: 1000 - 250 })
  t.ok(key.keptToItself)
})

test('heal does not change a ring that is not in the future, nor an empty ring', async (t) => {
  const key = new WindowKey({ rate: 2, window: 1000 })
  slidingWindow.heal(key.ring, -5)
  t.match(key.peek(0, 2), { allowed: true, remaining: 2, resetAfter: 0 })
  key.take(100, 1)
  const before = key.ring.slots.slice()
  slidingWindow.heal(key.ring, 100)
  slidingWindow.heal(key.ring, 101)
  t.same(key.ring.slots, before)
})

test('a ring with more units than a lowered rate admits a cost of 0, and else waits until enough units leave', async (t) => {
  const key = new WindowKey({ rate: 4, window: 1000 })
  for (const now of [0, 10, 20, 30]) key.take(now, 1)
  const lowered = { rate: 2, window: 1000 }
  t.equal(slidingWindow.wait(lowered, key.ring, 30, 0), 0)
  t.equal(slidingWindow.wait(lowered, key.ring, 30, 1), 1020 - 30, 'three of four must leave')
})

test('after 10,000,000 units, each still passes exactly one window after the unit that it replaces', async (t) => {
  const law = { rate: 4, window: 1_000_003 }
  const ring = { slots: new Float64Array(4), base: 0, capacity: 4, start: 0, count: 0 }
  const windows = 2_500_000
  let wrong = 0
  for (let turn = 0; turn < windows; turn++) {
    for (let unit = 0; unit < 4; unit++) {
      const due = turn * law.window + unit * 17
      if (slidingWindow.wait(law, ring, due, 1) !== 0) wrong++
      if (turn > 0 && slidingWindow.wait(law, ring, due - 1, 1) !== 1) wrong++
      slidingWindow.expire(ring, slidingWindow.used(law, ring, due))
      slidingWindow.charge(ring, due, 1)
    }
  }
  t.equal(wrong, 0)
})

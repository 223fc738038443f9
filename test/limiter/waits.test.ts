import { test } from 'tap'
import { denyDelayed, Waits } from '../../lib/limiter/index.js'
import { newCharge } from '../../lib/store/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { ManualTimers } from '../fixtures/manual-timers.js'

function setup(most: number) {
  const timers = new ManualTimers(new ManualClock())
  const waits = new Waits(most, timers.after)
  const gone: string[] = []
  const hold = (name: string, ms: number) => waits.hold(ms, () => void gone.push(name))
  return { timers, gone, hold }
}

test('each call goes when its own delay is over, and at most so many wait', async (t) => {
  const { timers, gone, hold } = setup(2)
  t.type(hold('late', 20), 'function')
  t.type(hold('early', 10), 'function')
  t.equal(hold('too many', 5), null)
  await timers.advance(10)
  t.same(gone, ['early'])
  t.type(hold('next', 100), 'function', 'there is room again')
  await timers.advance(10)
  t.same(gone, ['early', 'late'])
})

test('a wait that is ended calls nothing, frees its place once, and leaves no timer', async (t) => {
  const { timers, gone, hold } = setup(1)
  const end = hold('first', 10) as () => void
  end()
  t.equal(timers.armed, 0)
  hold('second', 20)
  end()
  t.equal(hold('third', 5), null, 'a place is free once')
  await timers.advance(20)
  t.same(gone, ['second'])
  end()
})

test('a call that cannot be held is denied for its delay, by those that would have held it', async (t) => {
  const bucket = {
    policy: {
      name: 'held',
      algorithm: 'token-bucket',
      rate: 1,
      per: 1000,
      limit: 1,
      wait: 5000,
      block: null,
      enforce: 1,
    },
    counters: null,
  } as const
  const charges = [70, 0, 90].map((delay) => ({ ...newCharge(bucket), delay }))
  charges[2].allowed = false
  charges[2].retryAfter = 400
  denyDelayed(charges, [70, 0, 90])
  t.match(charges, [
    { allowed: false, delay: 0, retryAfter: 70 },
    { allowed: true, delay: 0, retryAfter: 0 },
    { allowed: false, retryAfter: 400 },
  ])
})

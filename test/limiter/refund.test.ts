import { test } from 'tap'
import { compilePolicy } from '../../lib/policy/index.js'
import { memoryStore, newCharge } from '../../lib/store/index.js'
import type { Charge, PolicyOptions } from '../../types/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'

const POLICIES: PolicyOptions[] = [
  { rate: 10, per: 'second', burst: 10 },
  { algorithm: 'sliding-window', rate: 10, per: 'second' },
]

for (const options of POLICIES) {
  const policy = compilePolicy(options, options.algorithm ?? 'token-bucket')

  /** A key of that policy, and the units it has left. */
  function keyOf(clock: ManualClock) {
    const store = memoryStore({ clock })
    const bucket = store.open(policy, 'space')
    const charge = (): Charge => ({ ...newCharge(bucket), key: 'key' })
    return {
      take: () => {
        const taken = charge()
        return { taken, allowed: store.take([taken]) }
      },
      refund: (taken: Charge) => store.refund([taken]),
      left: () => {
        const asked = charge()
        store.peek([asked])
        return asked.remaining
      },
    }
  }

  // Held requests once gave back the units of other requests, without end.
  test(`${policy.name}: a refund does not give back units that have come back by themselves`, async (t) => {
    const clock = new ManualClock()
    const { take, refund, left } = keyOf(clock)
    const held: Charge[] = []
    for (let window = 0; window < 5; window++) {
      for (let i = 0; i < 10; i++) held.push(take().taken)
      clock.advance(1000)
    }
    for (let i = 0; i < 10; i++) t.ok(take().allowed)
    for (const taken of held) refund(taken)
    t.equal(left(), 0)
    t.notOk(take().allowed, 'all that was spent now is still spent')
  })

  test(`${policy.name}: a refund gives back its own units, whatever other calls took since`, async (t) => {
    const clock = new ManualClock()
    const { take, refund, left } = keyOf(clock)
    const first = take().taken
    clock.advance(50)
    for (let i = 0; i < 9; i++) take()
    const before = left()
    refund(first)
    refund(first)
    t.ok(left() - before <= 1, 'no more than once')
    clock.advance(960)
    t.ok(left() <= 10)
  })

  test(`${policy.name}: after a refund at once, the key is as before the take`, async (t) => {
    const { take, refund, left } = keyOf(new ManualClock(0.3))
    for (let i = 0; i < 4; i++) take()
    refund(take().taken)
    t.equal(left(), 6)
  })
}

test('a window gives back exactly the units of a charge, and younger units leave at their own time', async (t) => {
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  const bucket = store.open(
    compilePolicy({ algorithm: 'sliding-window', rate: 3, per: 1000 }, 'window'),
    'space',
  )
  const at = (ms: number) => {
    clock.advance(ms - clock.now())
    const charge: Charge = { ...newCharge(bucket), key: 'key' }
    store.take([charge])
    return charge
  }
  at(0)
  const second = at(100)
  at(200)
  store.refund([second])
  const asked = { ...newCharge(bucket), key: 'key', cost: 3 }
  store.peek([asked])
  t.match(asked, { remaining: 1, renewAfter: 800, resetAfter: 1000, retryAfter: 1000 })
})

test('a refund at once fills a bucket to the last tick, whatever its rate and the time', async (t) => {
  for (const rate of [3, 7, 9, 12, 97, 999_983]) {
    const clock = new ManualClock(0.001)
    const store = memoryStore({ clock })
    const bucket = store.open(compilePolicy({ rate, per: 'second', burst: 3 }, 'bucket'), 'space')
    for (let i = 0; i < 200; i++) {
      const charge: Charge = { ...newCharge(bucket), key: `key ${i}` }
      store.take([charge])
      store.refund([charge])
      store.peek([charge])
      if (charge.remaining !== 3 || charge.resetAfter !== 0) t.fail(`${rate} a second at ${clock.now()}`)
      clock.advance(123.457)
    }
  }
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import type { SlidingWindow } from '../../lib/policy/index.js'
import { slidingWindow } from '../../lib/policy/index.js'
import { WindowKey } from '../fixtures/pure-key.js'
import { type Called, play, prove, type Scale, schedules } from './schedules.js'

/** Small windows make units share instants and edges. Long ones are as long as a policy allows. */
const windows: fc.Arbitrary<SlidingWindow> = fc.record({
  rate: fc.integer({ min: 1, max: 40 }),
  window: fc.oneof(
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1000, max: 5_000_000 }),
    fc.constantFrom(86_400e6, 366 * 86_400e6),
  ),
})

function scaleOf({ rate, window }: SlidingWindow): Scale {
  return { unit: window / rate, fill: window, limit: rate, resolution: 1 }
}

/** The law written without regard to speed: every instant in a list, the oldest first. */
class ListedWindow {
  readonly #law: SlidingWindow
  #instants: number[] = []

  constructor(law: SlidingWindow) {
    this.#law = law
  }

  take(now: number, cost: number) {
    const { wait } = this.peek(now, cost)
    if (wait === 0) for (let i = 0; i < cost; i++) this.#instants.push(now)
    return { ...this.peek(now, 0), wait }
  }

  peek(now: number, cost: number) {
    const newest = Math.max(-Infinity, ...this.#instants)
    return {
      wait: this.#wait(now, cost),
      remaining: this.#law.rate - this.#used(now),
      resetAfter: Math.ceil(Math.max(0, newest + this.#law.window - now) / 1000),
    }
  }

  refund(now: number, cost: number) {
    const counting = this.#instants.filter((instant) => this.#counts(instant, now))
    this.#instants = counting.slice(0, Math.max(0, counting.length - cost))
  }

  reset() {
    this.#instants = []
  }

  #counts(instant: number, now: number): boolean {
    return now - instant < this.#law.window
  }

  #used(now: number): number {
    return this.#instants.filter((instant) => this.#counts(instant, now)).length
  }

  /** Microseconds until the first moment, now or when a unit leaves, at which the cost fits. */
  #wait(now: number, cost: number): number {
    const moments = [now, ...this.#instants.map((instant) => instant + this.#law.window)]
    const fitting = moments.filter((moment) => {
      return moment >= now && (cost === 0 || this.#used(moment) + cost <= this.#law.rate)
    })
    return Math.min(Infinity, ...fitting) - now
  }
}

/**
 * The most units admitted in any interval as long as the window, where `clock` gives the time of each call.
 */
function mostInAnyWindow(
  { window }: SlidingWindow,
  calls: readonly Called[],
  clock: (gap: number) => number,
) {
  let now = 0
  const admitted: { at: number; cost: number }[] = []
  for (const { gap, cost, answer } of calls) {
    now += clock(gap)
    if (answer?.allowed) admitted.push({ at: now, cost })
  }
  const sums = admitted.map(({ at }) => {
    const inside = admitted.filter((other) => other.at >= at && other.at < at + window)
    return inside.reduce((sum, { cost }) => sum + cost, 0)
  })
  return Math.max(0, ...sums)
}

const anything = schedules(['take', 'take', 'take', 'peek', 'refund', 'reset'])

test('a ring that grows on demand answers like a list of instants, and writes no slot of another key', async (t) => {
  const property = fc.property(windows, anything, (law, moves) => {
    const key = new WindowKey(law)
    const list = new ListedWindow(law)
    play(key, moves, scaleOf(law), ({ verb, now, cost, answer }) => {
      if (verb === 'reset') list.reset()
      else if (verb === 'refund') list.refund(now, cost)
      else {
        const expected = list[verb](now, cost)
        assert.deepEqual({ ...answer, ...expected }, answer)
      }
      assert.ok(key.keptToItself)
      assert.ok(key.ring.count <= law.rate)
    })
  })
  prove(t, property, 500)
})

test('no interval as long as the window admits more units than the rate', async (t) => {
  const property = fc.property(windows, schedules(['take']), (law, moves) => {
    const calls = play(new WindowKey(law), moves, scaleOf(law))
    assert.ok(mostInAnyWindow(law, calls, (gap) => gap) <= law.rate)
  })
  prove(t, property, 400)
})

test('a client that always asks gets exactly the rate in every window', async (t) => {
  const property = fc.property(windows, fc.nat(1e6), fc.integer({ min: 1, max: 40 }), (law, start, turns) => {
    const key = new WindowKey(law)
    let now = start
    let admitted = 0
    while (now - start < turns * law.window) {
      const { allowed, wait } = key.take(now, 1)
      if (allowed) admitted++
      else now += wait
    }
    assert.equal(admitted, turns * law.rate)
  })
  prove(t, property, 100)
})

test('a call after retryAfter is allowed, and a call just before is denied', async (t) => {
  const property = fc.property(windows, anything, (law, moves) => {
    const key = new WindowKey(law)
    play(key, moves, scaleOf(law), ({ now, cost, answer }) => {
      if (answer === undefined || answer.allowed) return
      const { wait, retryAfter } = answer
      assert.equal(wait === Infinity, cost > law.rate)
      if (wait === Infinity) return assert.equal(retryAfter, Infinity)
      for (const later of [wait, retryAfter * 1000]) assert.ok(key.peek(now + later, cost).allowed)
      for (const sooner of [wait - 1, (retryAfter - 1) * 1000]) {
        assert.ok(!key.peek(now + sooner, cost).allowed)
      }
    })
  })
  prove(t, property, 300)
})

test('a denial and a peek change no slot of the ring', async (t) => {
  const property = fc.property(windows, anything, (law, moves) => {
    const key = new WindowKey(law)
    let before = structuredClone(key.ring)
    play(key, moves, scaleOf(law), ({ verb, answer }) => {
      if (verb === 'peek' || answer?.allowed === false) assert.deepEqual(key.ring, before)
      before = structuredClone(key.ring)
    })
  })
  prove(t, property, 200)
})

test('a peek repeats the verdict of a take, and remaining is the largest cost that would pass', async (t) => {
  const property = fc.property(windows, anything, (law, moves) => {
    const key = new WindowKey(law)
    play(key, moves, scaleOf(law), ({ now, cost, answer }) => {
      const seen = key.peek(now, 0)
      const { remaining, resetAfter } = answer ?? seen
      assert.deepEqual([seen.remaining, seen.resetAfter], [remaining, resetAfter])
      assert.ok(key.peek(now, remaining).allowed)
      assert.ok(!key.peek(now, remaining + 1).allowed)
      if (answer?.allowed === false) assert.deepEqual(key.peek(now, cost), answer)
      assert.equal(key.peek(now + resetAfter * 1000, 0).remaining, law.rate)
      if (resetAfter > 0) assert.ok(key.peek(now + (resetAfter - 1) * 1000, 0).remaining < law.rate)
    })
  })
  prove(t, property, 300)
})

test('a refund gives back its cost and never exceeds the limit; right after a take it undoes the take', async (t) => {
  const property = fc.property(windows, anything, fc.nat(60), (law, moves, units) => {
    const key = new WindowKey(law)
    play(key, moves, scaleOf(law), ({ now, cost }) => {
      const twin = new WindowKey(law)
      twin.ring = structuredClone(key.ring)
      const before = twin.peek(now, law.rate)
      if (twin.take(now, cost).allowed) twin.refund(now, cost)
      assert.deepEqual(twin.peek(now, law.rate), before)
      twin.refund(now, units)
      assert.equal(twin.peek(now, 0).remaining, Math.min(law.rate, before.remaining + units))
    })
  })
  prove(t, property, 300)
})

test('a clock that steps back grants nothing, and delays a unit by at most one window', async (t) => {
  const property = fc.property(windows, schedules(['take'], { back: true }), (law, moves) => {
    const key = new WindowKey(law)
    let remaining = law.rate
    const calls = play(key, moves, scaleOf(law), ({ now, gap, cost, answer }) => {
      if (answer === undefined) return
      if (gap <= 0) assert.ok(answer.remaining <= remaining, 'a step back gives nothing')
      if (cost <= law.rate) assert.ok(answer.wait <= law.window)
      assert.ok(slidingWindow.resetAfter(law, key.ring, now) <= law.window)
      assert.ok(answer.remaining >= 0)
      remaining = answer.remaining
    })
    // Only time that went forward counts.
    assert.ok(mostInAnyWindow(law, calls, (gap) => Math.max(0, gap)) <= law.rate)
  })
  prove(t, property, 400)
})

import { test } from 'tap'
import {
  monotonicMicros,
  parseInstant,
  processMicros,
  processSecond,
  systemClock,
} from '../../lib/store/clock.js'

/** A clock that reads those values, one after the other. */
function reading(...values: number[]) {
  return { now: () => values.shift() as number }
}

test('time is whole microseconds since the first reading, whatever the origin of the clock', async (t) => {
  const micros = monotonicMicros(reading(-5.25, -5.25, -4.25, 0, 0.0004, 0.0005, 1e6))
  t.same(
    [micros(), micros(), micros(), micros(), micros(), micros()],
    [0, 1000, 5250, 5250, 5251, 1_000_005_250],
  )
})

test('a thousand thousand steps of a fraction of a microsecond add up', async (t) => {
  let now = 0
  const micros = monotonicMicros({ now: () => now })
  for (let i = 1; i <= 1_000_000; i++) {
    now = i / 10_000
    micros()
  }
  t.equal(micros(), 100_000)
})

test('a step back counts as no time, and time goes on from there', async (t) => {
  const micros = monotonicMicros(reading(1000, 2000, 500, 400, 401, 2000))
  t.same([micros(), micros(), micros(), micros(), micros()], [1e6, 1e6, 1e6, 1_001_000, 2_600_000])
})

test('a reading that is no finite number counts as no time', async (t) => {
  const { NaN: nan, POSITIVE_INFINITY: infinite, NEGATIVE_INFINITY: negative } = Number
  const micros = monotonicMicros(reading(0, nan, 1, infinite, 2, negative, 3))
  t.same([micros(), micros(), micros(), micros(), micros(), micros()], [0, 1000, 1000, 2000, 2000, 3000])
})

test('what is no clock is refused with a coded error that names the option', async (t) => {
  const invalid = [
    null,
    5,
    {},
    { now: 5 },
    reading(Number.NaN),
    reading(Number.POSITIVE_INFINITY),
    { now: () => '5' },
  ]
  for (const clock of invalid) {
    t.throws(() => monotonicMicros(clock as never), {
      code: 'FST_FLOODGATE_OPTION',
      message: /^option 'clock' is .*; allowed: /,
    })
  }
})

test('the clock of this thread never steps back', async (t) => {
  let last = systemClock.now()
  for (let i = 0; i < 1000; i++) {
    const now = systemClock.now()
    if (!(now >= last)) t.fail(`${now} after ${last}`)
    last = now
  }
})

test('the clock of the process counts whole microseconds from the second that it is given', async (t) => {
  const first = processSecond()
  const [early, late] = [processMicros(first - 5), processMicros(first)]
  const elapsed = late()
  t.ok(elapsed >= 0 && elapsed < 60e6, `${elapsed}`)
  t.equal(Number.isInteger(elapsed), true)
  const [before, between, after] = [late(), early(), late()]
  t.ok(between >= before + 5e6 && between <= after + 5e6, `${before}, ${between}, ${after}`)
})

test('an instant has a day that its month has', (t) => {
  const days = ['2027-01-31', '2027-02-28', '2028-02-29', '2000-02-29', '2027-06-30', '2027-12-31']
  for (const day of days) t.equal(parseInstant(`${day}T00:00:00Z`), Date.parse(`${day}T00:00:00Z`))
  for (const day of [
    '2027-02-29',
    '2027-02-31',
    '2027-06-31',
    '1900-02-29',
    '2027-13-01',
    '2027-00-10',
    '2027-01-00',
  ])
    t.ok(Number.isNaN(parseInstant(`${day}T00:00:00Z`)), day)
  t.end()
})

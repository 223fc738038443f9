import fc from 'fast-check'
import { test } from 'tap'
import { retryAfterSeconds } from '../../lib/http/index.js'

test('Retry-After is the wait in whole seconds, rounded up, at least 1; it is left out where no wait helps', async (t) => {
  const cases: [number, number | null][] = [
    [0, 1],
    [0.001, 1],
    [1, 1],
    [1000, 1],
    [1000.001, 2],
    [1001, 2],
    [59_999, 60],
    [60_000, 60],
    [366 * 86_400_000, 31_622_400],
    [Number.POSITIVE_INFINITY, null],
  ]
  for (const [wait, seconds] of cases) t.equal(retryAfterSeconds(wait), seconds, `${wait} ms`)
})

test('a client that waits for Retry-After waits long enough, and less than a second too long', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (wait) => {
      const seconds = retryAfterSeconds(wait) as number
      return Number.isInteger(seconds) && seconds * 1000 >= wait && (seconds - 1) * 1000 < wait
    }),
  )
  t.pass('for waits from 1 ms to 34 years')
})

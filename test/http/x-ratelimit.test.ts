import { test } from 'tap'
import { resetSeconds, X_RATELIMIT } from '../../lib/http/index.js'

test('X-RateLimit-Reset is a duration in whole seconds, rounded up, and 0 for a key that is full', async (t) => {
  const cases: [number, number][] = [
    [0, 0],
    [1, 1],
    [1000, 1],
    [1001, 2],
    [600_000, 600],
  ]
  for (const [resetAfter, seconds] of cases) t.equal(resetSeconds(resetAfter), seconds, `${resetAfter} ms`)
})

test('the headers have the names that clients look for', async (t) => {
  t.strictSame(X_RATELIMIT, {
    limit: 'x-ratelimit-limit',
    remaining: 'x-ratelimit-remaining',
    reset: 'x-ratelimit-reset',
  })
})

import t, { test } from 'tap'
import type { PolicyOptions } from '../../../types/index.js'
import { type Call, isLinearizable, record } from '../../fixtures/threads/histories.js'

t.setTimeout(200_000)

const LIMIT = 7
const BUCKET: PolicyOptions = { name: 'bucket', rate: 1, per: 'hour', burst: LIMIT }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: LIMIT, per: 'hour' }
const ROUNDS = 4000

test('some sequence of calls explains each of 4,000 histories of 3 threads at once', async (t) => {
  const histories = await record(3, ROUNDS, 4, [[BUCKET], [WINDOW], [BUCKET, WINDOW]])
  const wrong = histories.filter((calls) => !isLinearizable(calls, LIMIT))
  t.same(wrong, [])
  const overlapping = histories.filter((calls) =>
    calls.some((a) => calls.some((b) => a !== b && a.began < b.began && b.began < a.ended)),
  )
  t.ok(overlapping.length > 10, `${overlapping.length} histories of ${ROUNDS} in which calls overlap`)
})

test('a history that no sequence of calls explains is found', async (t) => {
  const take = (began: number, ended: number, cost: number, allowed: boolean, remaining: number): Call => {
    return { verb: 0, cost, began, ended, allowed, remaining }
  }
  t.equal(isLinearizable([take(0, 3, 4, true, 3), take(1, 2, 4, false, 3)], LIMIT), true)
  t.equal(isLinearizable([take(0, 3, 4, true, 3), take(1, 2, 4, true, 3)], LIMIT), false, 'admitted twice')
  t.equal(isLinearizable([take(0, 1, 1, true, 6), take(2, 3, 1, true, 6)], LIMIT), false, 'a lost update')
  t.equal(isLinearizable([take(0, 1, 1, true, 5), take(2, 3, 1, true, 6)], LIMIT), false, 'out of order')
  t.equal(
    isLinearizable([take(0, 3, 1, true, 5), take(1, 2, 1, true, 6)], LIMIT),
    true,
    'which is one if they overlap',
  )
})

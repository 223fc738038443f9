import t, { test } from 'tap'
import type { PolicyOptions } from '../../../types/index.js'
import { type Call, isLinearizable, type Rule, record, VERBS } from '../../fixtures/threads/histories.js'

t.setTimeout(200_000)

const LIMIT = 7
const BUCKET: PolicyOptions = { name: 'bucket', rate: 1, per: 'hour', burst: LIMIT }
const WINDOW: PolicyOptions = { name: 'window', algorithm: 'sliding-window', rate: LIMIT, per: 'hour' }
const IN_PROGRESS: PolicyOptions = { name: 'in progress', algorithm: 'concurrency', limit: LIMIT }
/** Promises 4 units, of half a second each. */
const PATIENT: PolicyOptions = { name: 'patient', rate: 2, per: 'second', burst: LIMIT, wait: '2 seconds' }
const blocking = (policy: PolicyOptions): PolicyOptions => ({ ...policy, block: { for: 'hour', factor: 2 } })
const ROUNDS = 4000

const HISTORIES: { policies: PolicyOptions[][]; rule: Rule }[] = [
  { policies: [[BUCKET], [WINDOW], [BUCKET, WINDOW], [IN_PROGRESS]], rule: { limit: LIMIT } },
  { policies: [[PATIENT]], rule: { limit: LIMIT, promised: 4, unit: 500 } },
  { policies: [[blocking(BUCKET)], [blocking(WINDOW)]], rule: { limit: LIMIT, blocks: true } },
]

for (const { policies, rule } of HISTORIES) {
  const names = policies.map((list) => list.map(({ name }) => name).join(' and ')).join(', ')
  test(`some sequence of calls explains each of 4,000 histories, or more, of 3 threads at once: ${names}, ${JSON.stringify(rule)}`, async (t) => {
    const histories: Call[][] = []
    const overlapping = () =>
      histories.filter((calls) =>
        calls.some((a) => calls.some((b) => a !== b && a.began < b.began && b.began < a.ended)),
      ).length
    // A busy machine seldom runs two threads at once, so that it needs more of them.
    for (let tries = 0; tries < 10 && overlapping() <= 10; tries++)
      histories.push(...(await record(3, ROUNDS, 4, policies)))
    const wrong = histories.filter((calls) => !isLinearizable(calls, rule))
    t.same(wrong, [])
    t.ok(overlapping() > 10, `${overlapping()} histories of ${histories.length} in which calls overlap`)
    const having = (test: (call: Call) => boolean) => histories.filter((calls) => calls.some(test)).length
    if (rule.unit !== undefined) t.ok(having(({ delay }) => delay > 0) > 100, 'units are promised')
    if (rule.blocks)
      t.ok(having(({ blocked, verb }) => blocked && verb === VERBS.PEEK) > 100, 'keys are blocked')
  })
}

test('a history that no sequence of calls explains is found', async (t) => {
  const rule = { limit: LIMIT }
  const take = (began: number, ended: number, cost: number, allowed: boolean, remaining: number): Call => {
    return { verb: VERBS.TAKE, cost, began, ended, allowed, remaining, delay: 0, blocked: false }
  }
  t.equal(isLinearizable([take(0, 3, 4, true, 3), take(1, 2, 4, false, 3)], rule), true)
  t.equal(isLinearizable([take(0, 3, 4, true, 3), take(1, 2, 4, true, 3)], rule), false, 'admitted twice')
  t.equal(isLinearizable([take(0, 1, 1, true, 6), take(2, 3, 1, true, 6)], rule), false, 'a lost update')
  t.equal(isLinearizable([take(0, 1, 1, true, 5), take(2, 3, 1, true, 6)], rule), false, 'out of order')
  t.equal(
    isLinearizable([take(0, 3, 1, true, 5), take(1, 2, 1, true, 6)], rule),
    true,
    'which is one if they overlap',
  )
})

test('promises out of order and a block that is passed are found', async (t) => {
  const promising = { limit: LIMIT, promised: 4, unit: 500 }
  const take = (began: number, cost: number, remaining: number, delay: number): Call => {
    return {
      verb: VERBS.TAKE,
      cost,
      began,
      ended: began + 1,
      allowed: true,
      remaining,
      delay,
      blocked: false,
    }
  }
  const first = take(0, 7, 0, 0)
  t.equal(isLinearizable([first, take(2, 1, 0, 500), take(4, 1, 0, 1000)], promising), true)
  t.equal(isLinearizable([first, take(2, 1, 0, 1000), take(4, 1, 0, 500)], promising), false, 'not in turn')
  t.equal(isLinearizable([first, take(2, 1, 0, 500), take(4, 1, 0, 500)], promising), false, 'promised twice')
  const denied = (began: number, blocked: boolean): Call => {
    return { ...take(began, 1, 0, 0), allowed: false, blocked }
  }
  const blocking = { limit: LIMIT, blocks: true }
  t.equal(isLinearizable([first, denied(2, true), denied(4, true)], blocking), true)
  t.equal(isLinearizable([first, denied(2, false)], blocking), false, 'a denial that begins no block')
  const peek = { ...denied(2, false), verb: VERBS.PEEK }
  t.equal(isLinearizable([first, peek, denied(4, true)], blocking), true, 'a peek begins none')
  const refund = { ...take(4, 7, 0, 0), verb: VERBS.REFUND }
  const again = take(6, 1, 6, 0)
  t.equal(isLinearizable([first, denied(2, true), refund, again], blocking), false, 'lifted by a refund')
  const reset = { ...refund, verb: VERBS.RESET }
  t.equal(isLinearizable([first, denied(2, true), reset, again], blocking), true, 'lifted by a reset')
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import type { AsyncLimiter, Decision } from '../../../../types/index.js'
import { clients } from '../../../fixtures/redis/clients.js'
import { startRedis } from '../../../fixtures/redis/server.js'
import { Model } from '../../model.js'
import { type Call, schedules } from '../../schedules.js'
import { clientOf, limiterOf, serve, Times } from '../one-server.js'

/** What a call is answered; nothing, if it has no verdict. */
type Answer = Decision | undefined

async function call(limiter: AsyncLimiter, { verb, key, cost }: Call): Promise<Answer> {
  if (verb === 'take' || verb === 'peek') return limiter[verb](key, { cost })
  if (verb === 'refund') await limiter.refund(key, cost)
  else await (verb === 'block' ? limiter.block(key, 50 * (cost + 1)) : limiter.reset(key))
  return undefined
}

function callModel(model: Model, { verb, key, cost }: Call): Answer {
  if (verb === 'take' || verb === 'peek') return model[verb](key, cost)
  if (verb === 'refund') model.refund(key, cost)
  else if (verb === 'block') model.block(key, 50 * (cost + 1))
  else model.reset(key)
  return undefined
}

/** All that policies have, but for blocks that a denial begins: such a block begins one call later. */
const ordered = schedules('all verbs', ['wait', 'concurrency', 'block']).map(({ policies, calls }) => ({
  policies: policies.map(({ block: _, ...policy }) => policy),
  calls,
}))

/** Calls by turns: those of each turn are made without waiting for one another. */
function turnsOf(calls: Call[]): Call[][] {
  const turns: Call[][] = []
  for (const one of calls) {
    const advance = Math.max(0, one.advance)
    if (advance > 0 || turns.length === 0) turns.push([])
    turns[turns.length - 1].push({ ...one, advance })
  }
  return turns
}

for (const flavour of clients.filter(({ name }) => name === 'ioredis 6' || name === 'node-redis 6')) {
  test(`calls that nobody waited for are decided in the order in which they were made: ${flavour.name}`, async (t) => {
    const server = await startRedis(t)
    const client = await clientOf(t, server, {}, flavour)
    await fc.assert(
      fc.asyncProperty(ordered, async ({ policies, calls }) => {
        const times = new Times()
        const store = times.store(client, { denyCache: 0 })
        const limiter = limiterOf(store, ...policies)
        const model = new Model(limiter.policies)
        for (const turn of turnsOf(calls)) {
          times.advance(turn[0].advance)
          model.advance(turn[0].advance)
          const answers = await Promise.all(turn.map((one) => call(limiter, one)))
          const expected = turn.map((one) => callModel(model, one))
          assert.deepEqual(answers, expected)
        }
        await store.close()
      }),
      { numRuns: 200 },
    )
  })
}

test('the deny cache changes nothing of what is allowed, whatever calls are under way', async (t) => {
  const { client } = await serve(t)
  const bucket = { name: 'b', rate: 3, per: 10, burst: 4 } as const
  const window = { name: 'w', algorithm: 'sliding-window', rate: 5, per: 7 } as const
  const step = fc.record({
    advance: fc.constantFrom(0, 0, 0, 1, 2.5, 7),
    verb: fc.constantFrom(
      'take' as const,
      'take' as const,
      'take' as const,
      'refund' as const,
      'reset' as const,
    ),
    key: fc.constantFrom('x', 'y'),
    cost: fc.integer({ min: 0, max: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), async (calls) => {
      const times = new Times()
      const store = times.store(client)
      const limiter = limiterOf(store, bucket, window)
      const model = new Model(limiter.policies)
      for (const turn of turnsOf(calls)) {
        times.advance(turn[0].advance)
        model.advance(turn[0].advance)
        const answers = await Promise.all(turn.map((one) => call(limiter, one)))
        // A denial that is known may not know of the takes that are under way; whether a call is allowed is
        // the same.
        const allowed = (answer: Answer) => answer?.allowed
        const expected = turn.map((one) => callModel(model, one))
        assert.deepEqual(answers.map(allowed), expected.map(allowed))
      }
      await store.close()
    }),
    { numRuns: 200 },
  )
})

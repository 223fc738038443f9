import fc from 'fast-check'
import { test } from 'tap'
import type { PolicyOptions } from '../../lib/index.js'
import { replay } from '../../lib/replay.js'
import { type ModelPolicy, outcomeOf, type Request } from './model.js'
import { NOON, streamOf } from './support.js'

const KEYS = Array.from({ length: 12 }, (_, i) => `198.51.100.${i}`)

/** Logs of up to 400 requests: some keys in floods, some now and then, in order or out of it by up to 5 s. */
const logs = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.constant(0), fc.nat(200), fc.nat(200), fc.nat(3000), fc.nat(20_000)),
      early: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(4999)),
      key: fc.oneof(fc.constantFrom(...KEYS.slice(0, 2)), fc.constantFrom(...KEYS)),
      cost: fc.oneof(fc.constant(1), fc.constant(1), fc.nat(4)),
      duration: fc.oneof(fc.nat(500), fc.nat(30_000)),
    }),
    { minLength: 50, maxLength: 400, size: 'max' },
  )
  .map((steps) => {
    let now = NOON
    return steps.map(({ gap, early, ...request }) => {
      now += gap
      // A line comes at the end of its request.
      return { ...request, at: now - early - request.duration } satisfies Request
    })
  })

const blocks = fc.option(
  fc.record({
    for: fc.integer({ min: 1000, max: 60_000 }),
    factor: fc.integer({ min: 1, max: 4 }),
    max: fc.integer({ min: 60_000, max: 600_000 }),
    forget: fc.integer({ min: 1000, max: 600_000 }),
  }),
)

const policies = fc
  .record({
    algorithm: fc.constantFrom(undefined, 'sliding-window', 'concurrency'),
    rate: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 })),
    per: fc.constantFrom(1000, 10_000, 60_000),
    burst: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 20 })),
    wait: fc.constantFrom(0, 0, 700, 5000),
    block: blocks,
  })
  .map(({ algorithm, rate, per, burst, wait, block }): ModelPolicy => {
    const blocking = block === null ? {} : { block }
    if (algorithm === 'concurrency')
      return { options: { algorithm, limit: rate }, rate, per, burst: rate, wait: 0, block: null }
    if (algorithm === 'sliding-window')
      return { options: { algorithm, rate, per, ...blocking }, rate, per, burst: rate, wait: 0, block }
    const waiting = wait === 0 ? {} : { wait }
    return {
      options: { rate, per, burst, ...waiting, ...blocking } as PolicyOptions,
      rate,
      per,
      burst,
      wait,
      block,
    }
  })

/** A line of JSON at the end of a request, as a server writes it that knows how long it took. */
const jsonLine = ({ at, key, cost, duration }: Request) =>
  JSON.stringify({ time: at + duration, ip: key, cost, took: duration, status: 200 })

test('counts equal those of an independent model, to the unit, on 100 random logs', async (t) => {
  const seen = { denied: 0, blocked: 0, delayed: 0 }
  await fc.assert(
    fc.asyncProperty(logs, fc.array(policies, { minLength: 1, maxLength: 3 }), async (requests, tried) => {
      const text = requests.map(jsonLine).join('\n')
      const report = await replay({
        files: streamOf(text, 1000),
        policies: tried.map(({ options }) => options),
        duration: 'took',
        cost: 'cost',
      })
      if (report.requests !== requests.length || report.outOfOrder !== 0) return false
      return tried.every((policy, i) => {
        const { denied, blocked, delayed, deniedOf } = outcomeOf(requests, policy)
        seen.denied += denied
        seen.blocked += blocked
        seen.delayed += delayed
        const { policies } = report
        const hardest = new Map(policies[i].hardest.map(({ key, denied }) => [key, denied]))
        const most = [...deniedOf.values()].sort((a, b) => b - a).slice(0, 10)
        return (
          policies[i].denied.count === denied &&
          policies[i].blocked.count === blocked &&
          policies[i].delayed.count === delayed &&
          policies[i].keysDenied.count === deniedOf.size &&
          `${[...hardest.values()]}` === `${most}` &&
          [...hardest].every(([key, count]) => deniedOf.get(key) === count)
        )
      })
    }),
    { numRuns: 100 },
  )
  t.ok(seen.denied > 1000 && seen.blocked > 100 && seen.delayed > 10, JSON.stringify(seen))
})

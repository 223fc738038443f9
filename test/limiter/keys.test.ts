import fc from 'fast-check'
import { test } from 'tap'
import { retryAfterSeconds } from '../../lib/http/index.js'
import { createLimiter } from '../../lib/limiter/index.js'
import { memoryStore } from '../../lib/store/index.js'
import type { Algorithm, Denied } from '../../types/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'

const KEYS = ['api:192.168.1.1', 'slack:U0123456789', 'telegram:123456789', 'global:refresh']
const WINDOW_SECONDS = 60

function commands(rate: number, algorithm: Algorithm = 'sliding-window') {
  const clock = new ManualClock()
  const store = memoryStore({ clock })
  const burst = algorithm === 'token-bucket' ? { burst: rate } : {}
  const limiter = createLimiter({ name: 'commands', algorithm, rate, per: 'minute', ...burst }, { store })
  return { limiter, clock, store }
}

test('keys of several origins share a limiter, and no units', async (t) => {
  const { limiter, store } = commands(3)
  for (let i = 0; i < 3; i++) t.ok(limiter.take(KEYS[0]).allowed)
  t.notOk(limiter.take(KEYS[0]).allowed)
  for (const key of KEYS.slice(1)) t.match(limiter.take(key), { allowed: true, remaining: 2 }, key)
  t.equal(store.stats().keys, KEYS.length)
  limiter.reset(KEYS[0])
  t.match(limiter.peek(KEYS[0]), { allowed: true, remaining: 3 })
  t.match(limiter.peek(KEYS[1]), { allowed: true, remaining: 2 })
})

test('a key is any string of any length, and two strings are two keys', async (t) => {
  const keys = ['a', 'A', 'a ', 'a\0', '\0', 'é', 'e\u0301', '😀', '\ud83d', '__proto__', 'constructor']
  keys.push('x'.repeat(16_384), `${'x'.repeat(16_383)}y`, 'x'.repeat(16_385))
  const { limiter } = commands(1)
  for (const key of keys) t.ok(limiter.take(key).allowed, JSON.stringify(key.slice(0, 12)))
  for (const key of keys) t.notOk(limiter.take(key).allowed)
})

for (const algorithm of ['sliding-window', 'token-bucket'] as const) {
  test(`a denied key waits 1 to ${WINDOW_SECONDS} whole seconds, and then passes (${algorithm})`, async (t) => {
    const schedule = fc.array(
      fc.record({ key: fc.constantFrom(...KEYS), pause: fc.double({ min: 0, max: 20_000, noNaN: true }) }),
      { minLength: 10, maxLength: 60 },
    )
    let blocked = 0
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), schedule, (rate, calls) => {
        const { limiter, clock } = commands(rate, algorithm)
        for (const { key, pause } of calls) {
          clock.advance(pause)
          const decision = limiter.take(key)
          if (decision.allowed) continue
          blocked++
          const seconds = retryAfterSeconds(decision.retryAfter) as number
          if (!Number.isInteger(seconds) || seconds < 1 || seconds > WINDOW_SECONDS) return false
        }
        const waits = KEYS.map((key) => limiter.peek(key)).filter((d): d is Denied => !d.allowed)
        clock.advance(Math.max(0, ...waits.map((d) => (retryAfterSeconds(d.retryAfter) as number) * 1000)))
        return KEYS.every((key) => limiter.take(key).allowed)
      }),
      { numRuns: 100 },
    )
    t.ok(blocked > 100, `the schedules were tight enough to block: ${blocked} times`)
  })
}

test('calls for other keys never change the decisions of a key', async (t) => {
  const call = fc.record({ key: fc.constantFrom(...KEYS), pause: fc.integer({ min: 0, max: 15_000 }) })
  fc.assert(
    fc.property(fc.array(call, { maxLength: 40 }), fc.constantFrom(...KEYS), (calls, watched) => {
      const crowd = commands(2)
      const alone = commands(2)
      for (const { key, pause } of calls) {
        crowd.clock.advance(pause)
        alone.clock.advance(pause)
        const decision = crowd.limiter.take(key)
        if (key !== watched) continue
        const expected = alone.limiter.take(key)
        if (JSON.stringify(decision) !== JSON.stringify(expected)) return false
      }
      return true
    }),
    { numRuns: 100 },
  )
  t.pass('over random schedules of four keys')
})

import { test } from 'tap'
import { createLimiter } from '../../../lib/limiter/limiter.js'
import { memoryStore } from '../../../lib/store/index.js'
import type { Limiter, PolicyOptions } from '../../../types/index.js'
import { ManualClock } from '../../fixtures/manual-clock.js'
import { codes, emitted } from '../../plugin/support/warnings.js'

type Named = PolicyOptions & { name: string }

const LOGIN: Named = { name: 'login', algorithm: 'sliding-window', rate: 5, per: '15 minutes' }
const DAILY: Named = { name: 'daily', rate: 10, per: 'day', burst: 10 }
const CHEAP: Named = { name: 'cheap', rate: 100, per: 'minute', burst: 10 }
const CHEAP_WINDOW: Named = {
  name: 'cheap window',
  algorithm: 'sliding-window',
  rate: 2,
  per: 'second',
}

/** Spends all that a key has, and is denied. */
function exhaust(limiter: Limiter, key: string): void {
  limiter.take(key, { cost: limiter.policies[0].limit })
  limiter.take(key)
}

for (const policy of [LOGIN, DAILY]) {
  for (const stranger of [CHEAP, CHEAP_WINDOW]) {
    for (const maxKeys of [150, 4000]) {
      test(`a key denied for long outlives strangers denied for a moment: ${policy.name}, ${stranger.name}, ${maxKeys} keys`, async (t) => {
        emitted(t)
        const clock = new ManualClock()
        const store = memoryStore({ clock, maxKeys })
        const limiter = createLimiter({ ...policy, name: 'tested' }, { store })
        const cheap = createLimiter({ ...stranger, name: 'strangers' }, { store })
        for (let i = 0; i < 50; i++) exhaust(limiter, `victim ${i}`)
        for (let i = 0; i < 5 * maxKeys; i++) {
          exhaust(cheap, `stranger ${i}`)
          if (i % 100 === 0) clock.advance(0.001)
        }
        t.ok(store.stats().forgotten > 3 * maxKeys)
        for (let i = 0; i < 50; i++) if (limiter.peek(`victim ${i}`).allowed) t.fail(`victim ${i} was freed`)
      })
    }
  }
}

test('among denied keys the one that is as new the soonest goes first', async (t) => {
  emitted(t)
  const clock = new ManualClock()
  const store = memoryStore({ clock, maxKeys: 3 })
  const login = createLimiter(LOGIN, { store })
  exhaust(login, 'first')
  clock.advance(60_000)
  login.take('second', { cost: 4 })
  clock.advance(60_000)
  exhaust(login, 'third')
  clock.advance(60_000)
  // Its first units come back before those of the third, its last ones after them.
  login.take('second')
  login.take('second')
  const denied = (key: string) => !login.peek(key).allowed
  exhaust(login, 'fourth')
  t.same(['first', 'second', 'third'].map(denied), [false, true, true])
  exhaust(login, 'fifth')
  t.same(['second', 'third', 'fourth'].map(denied), [true, false, true])
})

test('W013: a full store warns once when it forgets a key that is being denied, and of no other', async (t) => {
  const list = emitted(t)
  const store = memoryStore({ clock: new ManualClock(), maxKeys: 2 })
  const limiter = createLimiter(DAILY, { store })
  for (let i = 0; i < 10; i++) limiter.take(`key ${i}`, { cost: 10 })
  t.equal(store.stats().forgotten, 8)
  t.same(list, [])
  limiter.reset('key 9')
  exhaust(limiter, 'denied')
  limiter.reset('denied')
  t.same(list, [], 'a reset is no loss')
  for (let i = 0; i < 10; i++) exhaust(limiter, `denied ${i}`)
  t.same(codes(list), ['W013'])
  t.match(list[0].message, /maxKeys.*maxUnits.*guard.*docs\/errors\.md#fst_floodgate_w013$/)
  t.notMatch(list[0].message, /denied \d/)
})

test('W013: a window that is forgotten for its units counts as well', async (t) => {
  const list = emitted(t)
  const store = memoryStore({ clock: new ManualClock(), maxUnits: 64 })
  const limiter = createLimiter({ ...LOGIN, rate: 16 }, { store })
  for (let i = 0; i < 5; i++) exhaust(limiter, `denied ${i}`)
  t.equal(store.stats().forgotten, 1)
  t.same(codes(list), ['W013'])
})

test('W013: a listener of the store gets it instead', async (t) => {
  const list = emitted(t)
  const heard: string[] = []
  const store = memoryStore({ clock: new ManualClock(), maxKeys: 1 })
  store.onWarning?.((code) => heard.push(code))
  store.onWarning?.((code) => heard.push(`not ${code}`))()
  const limiter = createLimiter(DAILY, { store })
  for (let i = 0; i < 5; i++) exhaust(limiter, `denied ${i}`)
  t.same(heard, ['FST_FLOODGATE_W013'])
  t.same(list, [])
})

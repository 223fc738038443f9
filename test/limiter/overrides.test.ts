import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { test } from 'tap'
import { KeptBlocks } from '../../lib/limiter/kept-blocks.js'
import { KeyFilter } from '../../lib/limiter/key-filter.js'
import { Overrides } from '../../lib/limiter/overrides.js'

const override = (until: number) =>
  ({ policy: false, limiter: null, until, comment: '', isSourced: false, used: 0 }) as const

test('an override that has ended goes when it is met, by a look-up or in a list', async (t) => {
  let now = 0
  const overrides = new Overrides<object>(
    () => {},
    () => now,
  )
  overrides.set('a', override(5))
  overrides.set('b', override(5))
  overrides.set('c', override(Number.POSITIVE_INFINITY))
  now = 4999
  t.ok(overrides.get('a'))
  now = 5000
  t.equal(overrides.get('a'), undefined)
  t.equal(overrides.size, 2)
  t.same(
    [...overrides].map(([key]) => key),
    ['c'],
  )
  t.equal(overrides.size, 1)
})

test('that of a call wins over that of a source, which is in force again when it ends', async (t) => {
  let now = 0
  const overrides = new Overrides<string>(
    () => {},
    () => now,
  )
  const of = (limiter: string | null, isSourced: boolean, until = Number.POSITIVE_INFINITY) => ({
    ...override(until),
    limiter,
    isSourced,
  })
  overrides.end('a', true)
  overrides.set('a', of('called', false, 5))
  overrides.set('a', of('sourced', true, 9))
  overrides.set('b', of(null, true))
  t.same([...overrides.limiters()], ['called', 'sourced'])
  t.same([...overrides.limiters('a')], ['called', 'sourced'])
  t.same([...overrides.limiters('c')], [])
  t.same(
    [...overrides.sourced()].map(([key]) => key),
    ['b', 'a'],
  )
  t.match(overrides.get('a'), { limiter: 'called' })
  now = 5000
  t.match(overrides.get('a'), { limiter: 'sourced' })
  overrides.set('a', of('called', false))
  now = 9000
  t.match(overrides.get('a'), { limiter: 'called' })
  overrides.end('a', true)
  overrides.end('a', false)
  t.equal(overrides.size, 1)
  overrides.end('b', true)
  t.equal(overrides.size, 0)
})

test('any sequence of sets and ends leaves what two plain maps would', (t) => {
  const verb = fc.tuple(fc.constantFrom('set', 'end'), fc.nat(9).map(String), fc.boolean())
  fc.assert(
    fc.property(fc.array(verb, { maxLength: 200 }), (verbs) => {
      const overrides = new Overrides<string>(() => {})
      const [called, sourced] = [new Map<string, string>(), new Map<string, string>()]
      for (const [i, [verb, key, isSourced]] of verbs.entries()) {
        const model = isSourced ? sourced : called
        if (verb === 'end') overrides.end(key, isSourced)
        else overrides.set(key, { ...override(Number.POSITIVE_INFINITY), limiter: `limiter ${i}`, isSourced })
        if (verb === 'end') model.delete(key)
        else model.set(key, `limiter ${i}`)
        const expected = new Map([...sourced, ...called])
        const found = new Map([...overrides].map(([key, { limiter }]) => [key, limiter]))
        if (!isDeepStrictEqual(found, expected)) return false
        const sources = new Map([...overrides.sourced()].map(([key, { limiter }]) => [key, limiter]))
        if (!isDeepStrictEqual(sources, sourced) || overrides.size !== expected.size) return false
        for (let key = 0; key < 10; key++)
          if (overrides.get(String(key))?.limiter !== expected.get(String(key))) return false
      }
      return true
    }),
  )
  t.end()
})

test('the filter never denies a key that it was given, and few others pass', (t) => {
  const filter = new KeyFilter()
  const keys = (kind: string) => Array.from({ length: 10_000 }, (_, i) => `${kind}:${i * 7919}`)
  const [ours, others] = [keys('api'), keys('slack')]
  for (const key of ['', ...ours]) filter.add(key)
  t.ok(['', ...ours].every((key) => filter.mayHave(key)))
  const passed = others.filter((key) => filter.mayHave(key)).length
  t.ok(passed < 1000, `${passed} of 10,000`)
  t.end()
})

test('blocks are kept until their ends, the newest 10,000', async (t) => {
  let now = 0
  const blocks = new KeptBlocks(() => now)
  blocks.set('a', 10)
  blocks.set('b', 20)
  now = 5000
  t.equal(blocks.left('a'), 5)
  t.equal(blocks.left('nobody'), 0)
  now = 12_000
  t.equal(blocks.left('a'), 0)
  t.same([...blocks], [['b', 8]])
  for (let i = 0; i < 9999; i++) blocks.set(`key ${i}`, 100)
  blocks.set('key 0', 100)
  t.equal(blocks.left('b'), 8)
  blocks.set('one more', 100)
  t.equal(blocks.left('b'), 0, 'the oldest went')
  t.equal([...blocks].length, 10_000)
})

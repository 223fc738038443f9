import fc from 'fast-check'
import { test } from 'tap'
import { Keys, largest } from '../../../lib/replay/judge/keys.js'

test('keys have numbers in the order in which they come, and are counted', async (t) => {
  const keys = new Keys()
  t.same(
    ['a', 'b', 'a', 'c'].map((name) => keys.add(name)),
    [0, 1, 0, 2],
  )
  t.same([...keys.requests.subarray(0, keys.count)], [2, 1, 1])
  for (let i = 0; i < 5000; i++) keys.add(`key ${i}`)
  t.equal(keys.requests[keys.numbers.get('key 4999') as number], 1)
})

test('the largest values are found, of equal ones the first, and 0 is none', async () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (values, most) => {
      const sorted = [...values.keys()]
        .filter((i) => values[i] > 0)
        .sort((a, b) => values[b] - values[a] || a - b)
      return (
        `${largest(Uint32Array.from([...values, 9]), values.length, most)}` === `${sorted.slice(0, most)}`
      )
    }),
  )
})

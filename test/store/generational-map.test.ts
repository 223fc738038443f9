import fc from 'fast-check'
import { test } from 'tap'
import { GenerationalMap } from '../../lib/store/generational-map.js'

test('the entries written last are held, half as many as there is room for and never more than that', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(fc.nat(30), { maxLength: 100 }), (size, writes) => {
      const map = new GenerationalMap<number>(size)
      for (const [i, id] of writes.entries()) map.set(String(id), i)
      const entries = [...map]
      const last = [...new Set(writes.toReversed())].slice(0, Math.floor(size / 2))
      return (
        entries.length <= size &&
        new Set(entries.map(([id]) => id)).size === entries.length &&
        entries.every(([id, i]) => map.get(id) === i && writes.lastIndexOf(Number(id)) === i) &&
        last.every((id) => map.get(String(id)) !== undefined)
      )
    }),
  )
  t.end()
})

test('what is deleted is gone, in whichever generation it was', (t) => {
  const map = new GenerationalMap<string>(4)
  for (const id of ['a', 'b', 'a', 'c', 'd']) map.set(id, id)
  for (const id of ['a', 'b', 'c', 'd', 'e']) map.delete(id)
  t.same([...map], [])
  t.end()
})

test('one without room holds nothing', (t) => {
  const map = new GenerationalMap<number>(0)
  map.set('a', 1)
  t.equal(map.get('a'), undefined)
  t.same([...map], [])
  t.end()
})

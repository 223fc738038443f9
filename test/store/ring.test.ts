import { test } from 'tap'
import { newRing, unload } from '../../lib/store/ring.js'

test('a ring can be pointed at nothing again', async (t) => {
  const ring = Object.assign(newRing(), {
    slots: new Float64Array(8),
    base: 2,
    capacity: 4,
    start: 1,
    count: 3,
  })
  unload(ring)
  t.same(ring, newRing())
})

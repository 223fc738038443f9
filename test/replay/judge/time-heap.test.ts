import fc from 'fast-check'
import { test } from 'tap'
import { TimeHeap } from '../../../lib/replay/judge/time-heap.js'

test('requests come out by time, and of equal times in the order in which they came', async () => {
  const steps = fc.array(fc.option(fc.nat(20), { freq: 3 }), { minLength: 1, maxLength: 2000, size: 'max' })
  fc.assert(
    fc.property(steps, (steps) => {
      const heap = new TimeHeap()
      const waiting: [time: number, turn: number][] = []
      return steps.every((time, turn) => {
        if (time !== null) {
          heap.push(time, turn, turn + 1, turn + 2)
          waiting.push([time, turn])
          return heap.size === waiting.length
        }
        if (waiting.length === 0) return heap.first === Number.POSITIVE_INFINITY
        waiting.sort(([a, i], [b, j]) => a - b || i - j)
        const [first, nth] = waiting.shift() as [number, number]
        if (heap.first !== first) return false
        heap.pop()
        return heap.time === first && heap.key === nth && heap.cost === nth + 1 && heap.duration === nth + 2
      })
    }),
    { numRuns: 50 },
  )
})

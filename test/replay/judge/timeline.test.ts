import fc from 'fast-check'
import { test } from 'tap'
import { MOST_BARS, Timeline } from '../../../lib/replay/judge/timeline.js'

test('each request is in the bar of its time, however long the log is', async () => {
  const gaps = fc.array(fc.tuple(fc.oneof(fc.nat(5), fc.nat(5000), fc.nat(3e6), fc.nat(9e8)), fc.boolean()), {
    minLength: 1,
    maxLength: 300,
  })
  fc.assert(
    fc.property(fc.nat(2e9), gaps, (start, gaps) => {
      const timeline = new Timeline()
      let second = start
      const hits = gaps.map(([gap, denied]) => {
        second += gap
        timeline.add(second * 1e6, denied)
        return { micros: second * 1e6, denied }
      })
      const { length, step } = timeline
      const inBar = (bar: number) =>
        hits.filter(({ micros }) => micros >= timeline.startOf(bar) && micros < timeline.startOf(bar + 1))
      return (
        length <= MOST_BARS &&
        timeline.startOf(0) % step === 0 &&
        inBar(0).length > 0 &&
        inBar(length - 1).length > 0 &&
        Array.from({ length }, (_, bar) => bar).every(
          (bar) =>
            timeline.requests[bar] === inBar(bar).length &&
            timeline.denied[bar] === inBar(bar).filter(({ denied }) => denied).length,
        )
      )
    }),
    { numRuns: 50 },
  )
})

test('bars are as long as people think: an hour of a day is a whole number of them', async (t) => {
  const lengths = [100, 1000, 5000, 86_400, 30 * 86_400, 300 * 86_400].map((seconds) => {
    const timeline = new Timeline()
    for (let at = 0; at <= 10; at++) timeline.add(1e15 + (at * seconds * 1e6) / 10, false)
    return timeline.step / 1e6
  })
  t.same(lengths, [1, 5, 30, 600, 21_600, 604_800])
})

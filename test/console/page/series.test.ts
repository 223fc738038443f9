import { test } from 'tap'
import { zero } from '../../../lib/console/page/rates.js'
import { Series } from '../../../lib/console/page/series.js'

const END = 1_000_000
const none = Array<number>(180).fill(0)

function seriesOf(allowed: readonly number[], now = END) {
  const rest = { delayed: none, denied: none, blocked: none, shadowDenied: none }
  return new Series({ ...rest, allowed: [...none, ...allowed], end: END, step: 5000 }, now)
}

const second = (allowed: number) => ({ ...zero(), allowed })

test('counts of seconds become a point when its 5 seconds are over, and the oldest point goes', async (t) => {
  const series = seriesOf([50])
  t.equal(series.rates('allowed').at(-1), 10)
  for (let i = 1; i <= 4; i++) series.add(second(20), END + i * 1000)
  t.equal(series.times.at(-1), END / 1000)
  series.add(second(20), END + 5000)
  t.equal(series.times.at(-1), END / 1000 + 5)
  t.equal(series.times.length, 180)
  t.same(series.rates('allowed').slice(-2), [10, 20])
  t.same(series.last(10_000), second(150))
})

test('the first point counts as much a second as the part of it that was seen', async (t) => {
  const series = seriesOf([100], END + 3000)
  series.add(second(20), END + 4000)
  series.add(second(20), END + 5000)
  t.equal(series.rates('allowed').at(-1), 20)
})

test('a point is the mean of the time between the ticks around it', async (t) => {
  const series = seriesOf([100], END + 3900)
  series.add(second(20), END + 4900)
  series.add(second(20), END + 5900)
  t.equal(series.rates('allowed').at(-1), 20)
  for (let i = 1; i <= 5; i++) series.add(second(20), END + 5900 + i * 1000)
  t.equal(series.rates('allowed').at(-1), 20)
})

test('a time without ticks is a time without decisions', async (t) => {
  const series = seriesOf([100])
  series.add(second(0), END + 20_000)
  t.equal(series.times.at(-1), END / 1000 + 20)
  t.same(series.rates('allowed').slice(-5), [20, 0, 0, 0, 0])
})

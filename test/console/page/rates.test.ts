import { test } from 'tap'
import { all, difference, Rates, refused, sum, zero } from '../../../lib/console/page/rates.js'

const allowed = (count: number) => ({ ...zero(), allowed: count })

test('a rate is the mean of the last 5 seconds', async (t) => {
  const rates = new Rates()
  t.equal(rates.of('total'), null, 'nothing is known')
  rates.add('total', 1000, allowed(10))
  t.equal(rates.of('total')?.allowed, 10)
  rates.add('total', 1000, allowed(20))
  t.equal(rates.of('total')?.allowed, 15)
  for (let i = 0; i < 5; i++) rates.add('total', 1000, allowed(100))
  t.equal(rates.of('total')?.allowed, 100, 'what is older is gone')
  t.equal(rates.of('default'), null)
})

test('one long time counts whole, and no time counts nothing', async (t) => {
  const rates = new Rates()
  rates.add('total', 1000, allowed(500))
  rates.add('total', 10_000, allowed(100))
  t.equal(rates.of('total')?.allowed, 10)
  rates.add('total', 0, allowed(100))
  rates.add('total', -5, allowed(100))
  t.equal(rates.of('total')?.allowed, 10)
  rates.clear()
  t.equal(rates.of('total'), null)
})

test('a counter that fell has no difference', async (t) => {
  t.same(difference(allowed(12), allowed(10)), allowed(2))
  t.equal(difference(allowed(3), allowed(10)), null)
})

test('counts add up', async (t) => {
  const counts = { allowed: 1, delayed: 2, denied: 3, blocked: 4, shadowDenied: 5 }
  t.same(sum([counts, counts]), { allowed: 2, delayed: 4, denied: 6, blocked: 8, shadowDenied: 10 })
  t.equal(all(counts), 15)
  t.equal(refused(counts), 12)
})

import { test } from 'tap'
import { ServerClocks } from '../../../../lib/store/redis/transport/server-clocks.js'

const GUESS = 1_000_000

test('before a first reply a guess stands in', async (t) => {
  const clocks = new ServerClocks(() => GUESS)
  t.equal(clocks.at(0, 500), GUESS + 500)
})

test('what a clock is ahead is never taken for more than the latest reply and the best one allow', async (t) => {
  const clocks = new ServerClocks(() => GUESS)
  const ahead = () => clocks.at(0, 0)
  // The server is 5,000 ahead.
  clocks.learn(0, 5150, 100, 400)
  t.equal(ahead(), 4750, 'the reply took up to 300')
  clocks.learn(0, 5550, 500, 560)
  t.equal(ahead(), 4990, 'a quicker one says more')
  clocks.learn(0, 6050, 1000, 9000)
  t.equal(ahead(), 4990, 'one that was read late says nothing new')
})

test('a clock that steps back or jumps ahead is believed', async (t) => {
  const clocks = new ServerClocks(() => GUESS)
  const ahead = () => clocks.at(0, 0)
  clocks.learn(0, 5150, 100, 200)
  clocks.learn(0, 4250, 300, 350)
  t.equal(ahead(), 3900, 'it is 3,950 ahead at most now')
  clocks.learn(0, 99_450, 400, 460)
  t.equal(ahead(), 98_990)
})

test('each shard has a clock of its own', async (t) => {
  const clocks = new ServerClocks(() => GUESS)
  clocks.learn(3, 5000, 0, 10)
  t.equal(clocks.at(3, 0), 4990)
  t.equal(clocks.at(4, 0), GUESS)
})

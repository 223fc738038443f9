import { test } from 'tap'
import { MOST_WAITING, Reorder } from '../../../lib/replay/judge/reorder.js'

/** The keys in the order in which they are visited. */
function visiting() {
  const visited: number[] = []
  const reorder = new Reorder((_, key) => visited.push(key))
  return { reorder, visited, push: (time: number, key: number) => reorder.push(time, key, 1, -1) }
}

test('a request waits for those that may arrive before it and be logged later', (t) => {
  const { reorder, visited, push } = visiting()
  reorder.skew = 5
  reorder.slack = 60
  for (const [key, time] of [100, 165, 101, 166, 40].entries()) push(time, key)
  t.same(visited, [0, 2, 4], 'the last one is late')
  t.equal(reorder.late, 1)
  reorder.finish()
  t.same(visited, [0, 2, 4, 1, 3])
  t.end()
})

test('as many requests wait as memory has room for, and always those within the skew', (t) => {
  const { reorder, visited, push } = visiting()
  reorder.skew = 5
  reorder.slack = Number.POSITIVE_INFINITY
  for (let key = 0; key < MOST_WAITING; key++) push(key, key)
  t.same(visited, [])
  push(MOST_WAITING, MOST_WAITING)
  t.same(visited, [0])
  reorder.skew = MOST_WAITING + 1
  push(MOST_WAITING + 1, MOST_WAITING + 1)
  t.same(visited, [0], 'the skew allows another one that is older')
  reorder.skew = MOST_WAITING
  push(MOST_WAITING + 1, MOST_WAITING + 2)
  t.same(visited, [0, 1])
  push(0, 0)
  t.equal(reorder.late, 1)
  t.end()
})

import { test } from 'tap'
import { LateBlocks } from '../../lib/limiter/late-blocks.js'

test('a block that was not taken is tried again each second, until it is', (t) => {
  let fire: (() => void) | null = null
  const timer = (ms: number, listener: () => void) => {
    t.equal(ms, 1000)
    fire = listener
    return () => {
      fire = null
    }
  }
  const tried: string[] = []
  let takes = false
  const late: LateBlocks = new LateBlocks((key) => {
    tried.push(key)
    if (!takes) late.add(key)
  }, timer)
  const next = () => {
    const listener = fire as (() => void) | null
    fire = null
    listener?.()
    return tried.splice(0)
  }
  for (const key of ['a', 'b', 'a']) late.add(key)
  t.same(
    [next(), next()],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  )
  takes = true
  t.same([next(), next()], [['a', 'b'], []])
  late.add('c')
  late.close()
  late.add('d')
  t.same(next(), [])
  t.end()
})

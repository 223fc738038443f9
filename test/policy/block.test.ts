import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import { blockLength, compilePolicy } from '../../lib/policy/index.js'
import type { BlockLengths, BlockOptions } from '../../types/index.js'

function lengths(block: BlockOptions): BlockLengths {
  return compilePolicy({ block }, 'default').block as BlockLengths
}

test('each block lasts longer than the one before by the factor, up to the longest', async (t) => {
  const block = lengths({ for: '1 minute', factor: 4, max: '1 hour' })
  t.same(
    [0, 1, 2, 3, 4, 1e6].map((offences) => blockLength(block, offences)),
    [60, 240, 960, 3600, 3600, 3600].map((seconds) => seconds * 1e6),
  )
})

test('without a factor all blocks are alike', async (t) => {
  const block = lengths({ for: '1 minute' })
  t.same([blockLength(block, 0), blockLength(block, 1000)], [60e6, 60e6])
})

test('a block is whole microseconds, from for to max, and none is shorter than the one before', async () => {
  const micros = fc.integer({ min: 1, max: 366 * 86_400_000_000 })
  const factor = fc.oneof(fc.double({ min: 1, max: 10, noNaN: true }), fc.constantFrom(1, 1.0001, 1e300))
  fc.assert(
    fc.property(micros, micros, factor, fc.nat(2000), (a, b, factor, offences) => {
      const [shortest, longest] = [Math.min(a, b), Math.max(a, b)]
      const block = lengths({ for: shortest / 1000, factor, max: longest / 1000 })
      const length = blockLength(block, offences)
      assert.ok(Number.isSafeInteger(length))
      assert.ok(length >= shortest && length <= longest)
      assert.ok(length <= blockLength(block, offences + 1))
      assert.equal(blockLength(block, 0), shortest)
    }),
  )
})

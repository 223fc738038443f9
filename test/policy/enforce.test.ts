import { test } from 'tap'
import { compilePolicy, isShadow } from '../../lib/policy/index.js'
import type { PolicyOptions } from '../../types/index.js'

const KEYS = 10_000
const compiled = (enforce: PolicyOptions['enforce']) => compilePolicy({ enforce }, 'tried')

test('a policy is enforced for all keys, for none, or for a share of them', async (t) => {
  for (const [given, share] of [
    [undefined, 1],
    [true, 1],
    [1, 1],
    [false, 0],
    [0, 0],
    [0.25, 0.25],
  ] as const)
    t.equal(compiled(given).enforce, share, String(given))
  t.equal(compilePolicy({ algorithm: 'concurrency', limit: 1, enforce: false }, 'tried').enforce, 0)
  t.equal(compilePolicy({ algorithm: 'sliding-window', rate: 1, enforce: 0.5 }, 'tried').enforce, 0.5)
  t.equal(isShadow(compiled(true), 'ann'), false)
  t.equal(isShadow(compiled(false), 'ann'), true)
})

const KINDS = {
  addresses: (i: number) => `10.0.${i >> 8}.${i & 255}`,
  numbers: (i: number) => String(i),
  names: (i: number) => `user:${i}`,
  'long names': (i: number) => `${'é'.repeat(200)}${i}`,
}

for (const [kind, keyOf] of Object.entries(KINDS)) {
  test(`a share is about that part of the keys, whatever they look like: ${kind}`, async (t) => {
    for (const share of [0.01, 0.1, 0.5, 0.9]) {
      const policy = compiled(share)
      let enforced = 0
      for (let i = 0; i < KEYS; i++) if (!isShadow(policy, keyOf(i))) enforced++
      // Four standard deviations of a fair draw.
      const most = 4 * Math.sqrt(KEYS * share * (1 - share))
      t.ok(Math.abs(enforced - KEYS * share) < most, `${share}: ${enforced}`)
    }
  })
}

test('who is enforced stays so when the share grows, and is the same in every process and version', async (t) => {
  const [tenth, half] = [compiled(0.1), compiled(0.5)]
  const enforced: number[] = []
  for (let i = 0; i < KEYS; i++) {
    const key = `user:${i}`
    if (isShadow(tenth, key)) continue
    t.equal(isShadow(half, key), false, key)
    enforced.push(i)
  }
  // A change of the hash would deny others while a fleet is updated.
  t.same(enforced.slice(0, 5), FIRST)
})

const FIRST = [6, 37, 43, 54, 70]

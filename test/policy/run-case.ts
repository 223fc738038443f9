import type { Test } from 'tap'
import { compilePolicy } from '../../lib/policy/index.js'
import { type Case, cases } from '../fixtures/cases.js'
import { BucketKey, type PureKey, WindowKey } from '../fixtures/pure-key.js'

/** Runs every case of one algorithm on its pure law. `letter` begins the ids of the cases. */
export function runCases(t: Test, letter: 'B' | 'W'): void {
  for (const example of cases.filter(({ id }) => id.startsWith(letter))) {
    t.test(`${example.id}: ${example.name}`, async (t) => runCase(t, example))
  }
}

function runCase(t: Test, { policy, steps }: Case): void {
  const compiled = compilePolicy(policy, 'case')
  const key: PureKey =
    compiled.algorithm === 'token-bucket' ? new BucketKey(compiled.law) : new WindowKey(compiled.law)
  steps.forEach(({ at, do: verb, cost = 1, ...expected }, i) => {
    const now = Math.round(at * 1000)
    const label = `step ${i}: ${verb} ${cost} at ${at}`
    if (verb === 'reset') key.reset()
    else if (verb === 'refund') key.refund(now, cost)
    else t.match(key[verb](now, cost), expected, label)
  })
}

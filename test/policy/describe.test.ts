import { test } from 'tap'
import { compilePolicy, describe } from '../../lib/policy/index.js'
import type { PolicyOptions } from '../../types/index.js'

test('policies are said in words', async (t) => {
  const said = (...policies: PolicyOptions[]) =>
    describe(policies.map((policy) => compilePolicy(policy, 'p')))
  t.equal(said({ rate: 100, per: 'minute', burst: 10 }), '100 per minute, burst 10')
  t.equal(said({ rate: 5, per: '15 minutes', algorithm: 'sliding-window' }), '5 in any 15 minutes')
  t.equal(said({ rate: 5, per: 250, burst: 1 }), '5 per 250 ms, burst 1')
  t.equal(said({ algorithm: 'concurrency', limit: 20 }), '20 in progress')
  t.equal(
    said({ rate: 1, wait: '2 seconds', block: '1 hour' }),
    '1 per minute, burst 1, wait 2 seconds, block 1 hour',
  )
  t.equal(said({ rate: 1, per: 'day' }, { rate: 1 }), '1 per day, burst 1, and 1 per minute, burst 1')
})

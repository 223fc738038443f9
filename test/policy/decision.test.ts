import { test } from 'tap'
import { decisionOf, type Verdict } from '../../lib/policy/index.js'

const open: Verdict = { allowed: true, remaining: 5, resetAfter: 1000, retryAfter: 0 }
const denied: Verdict = { allowed: false, remaining: 0, resetAfter: 1000, retryAfter: 500 }

test('only a denial names the violated policies', async (t) => {
  const policy = { name: 'p', limit: 7 }
  t.strictSame(decisionOf(policy, open, ['p']), {
    allowed: true,
    policy: 'p',
    limit: 7,
    remaining: 5,
    resetAfter: 1000,
  })
  t.match(decisionOf(policy, denied, ['p', 'q']), { allowed: false, violated: ['p', 'q'] })
})

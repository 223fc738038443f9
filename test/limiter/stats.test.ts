import { test } from 'tap'
import { createLimiter } from '../../lib/index.js'
import { frozenStore } from '../plugin/support/app.js'

test('a limiter counts what becomes of its decisions, each policy for itself', async (t) => {
  const limiter = createLimiter(
    {
      name: 'mails',
      policies: [
        { name: 'now', rate: 2, per: 'hour', burst: 2 },
        { name: 'long', rate: 10, per: 'day', burst: 4, wait: '1 minute' },
      ],
    },
    { store: frozenStore() },
  )
  for (let i = 0; i < 4; i++) limiter.take('a')
  limiter.take('b', { cost: 2 })
  limiter.peek('b')
  const { policies } = limiter.stats()
  t.match(policies.now, { algorithm: 'token-bucket', rate: 2, per: 3_600_000, limit: 2, enforce: 1 })
  t.match(policies.now, { allowed: 3, delayed: 0, denied: 2, blocked: 0, nearLimit: 2, units: 4 })
  t.match(policies.long, { allowed: 3, denied: 0, nearLimit: 0, units: 4 })
})

test('a call that may go on after a delay counts as delayed, and one of a blocked key as blocked', async (t) => {
  const store = frozenStore()
  const queue = createLimiter(
    { name: 'queue', rate: 1, per: 'second', burst: 1, wait: '2 seconds' },
    { store },
  )
  for (let i = 0; i < 5; i++) queue.take('a')
  t.match(queue.stats().policies.queue, { allowed: 1, delayed: 2, denied: 2, units: 3, nearLimit: 3 })
  const login = createLimiter({ name: 'login', rate: 1, burst: 1, block: '1 hour' }, { store })
  for (let i = 0; i < 4; i++) login.take('a')
  t.match(login.stats().policies.login, { allowed: 1, denied: 0, blocked: 3, units: 1 })
})

test('limiters of one name count apart', async (t) => {
  const [one, two] = [1, 2].map(() => createLimiter({ name: 'same' }, { store: frozenStore() }))
  one.take('a')
  t.match(
    [one, two].map((limiter) => limiter.stats().policies.same.allowed),
    [1, 0],
  )
})

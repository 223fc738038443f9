import type { Test } from 'tap'
import type { RateLimitOptions } from '../../../lib/index.js'
import { until } from '../../fixtures/redis/until.js'
import { hiddenClient } from './hidden-client.js'

/** Fails unless a hidden client and `/metrics` agree, and every outcome was there. */
export async function agree(t: Test, stores: readonly RateLimitOptions['store'][]): Promise<void> {
  const { seen, metrics, deniedOfShare } = await hiddenClient(t, stores)
  const statuses = Object.keys(seen).filter((name) => name.startsWith('status '))
  const expected = Object.fromEntries(Object.entries(seen).filter(([name]) => !statuses.includes(name)))
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0)
  // Nobody waits for what a shadow decides over a network.
  await until('the last shadows', async () => sum(await metrics()) >= sum(expected), 5000).catch(() => {})
  t.same(sorted(await metrics()), sorted(expected))
  t.same(statuses.sort(), ['status 429', 'status 503'])
  for (const outcome of ['allowed', 'delayed', 'denied', 'blocked', 'shadow_denied'])
    t.ok(
      Object.keys(expected).some((name) => name.endsWith(`/${outcome}`)),
      outcome,
    )
  t.ok(Object.keys(deniedOfShare).length > 0, 'some users are denied by the policy with a share')
  t.match(expected, { 'share/share/shadow_denied': Number, 'guard/guard/denied': 60 })
}

function sorted(counts: Record<string, number>): [string, number][] {
  return Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))
}

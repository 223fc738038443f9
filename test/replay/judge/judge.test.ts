import { test } from 'tap'
import { combined, NOON, replayLines } from '../support.js'

const at = (second: number, ip = '192.0.2.1') => combined(NOON + second * 1000, ip)
const POLICY = { rate: 1, per: 'minute', burst: 1 } as const

test('a report says what was denied, to whom, for how long, and when', async (t) => {
  const lines = [at(0), at(0, '192.0.2.2'), at(1), at(2), at(3), at(70), at(71), at(300, '192.0.2.2')]
  const { policies } = await replayLines(lines, { policies: [POLICY] })
  t.same(policies, [
    {
      name: '1 per minute, burst 1',
      options: [POLICY],
      requests: 8,
      denied: { count: 4, share: 0.5 },
      blocked: { count: 0, share: 0 },
      delayed: { count: 0, share: 0 },
      keysDenied: { count: 1, share: 0.5 },
      hardest: [{ key: '192.0.2.1', requests: 6, denied: 4 }],
      longestRun: { key: '192.0.2.1', denials: 3, from: '2026-03-01T12:00:01Z', to: '2026-03-01T12:00:03Z' },
      timeline: {
        from: '2026-03-01T12:00:00Z',
        seconds: 5,
        requests: [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, ...Array(45).fill(0), 1],
        denied: [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, ...Array(46).fill(0)],
      },
      withoutDuration: 0,
    },
  ])
})

test('of a log without requests nothing is denied', async (t) => {
  t.match(await replayLines([], { policies: [POLICY] }), {
    requests: 0,
    policies: [{ denied: { count: 0, share: 0 }, longestRun: null, timeline: { from: null, requests: [] } }],
  })
})

test('several policies are tried side by side, and several in a list all must allow', async (t) => {
  const lines = [0, 0, 0, 5, 5, 5].map((second) => at(second))
  const fast = { rate: 2, per: 'second', burst: 2 } as const
  const slow = { algorithm: 'sliding-window', rate: 3, per: 'minute' } as const
  const { policies } = await replayLines(lines, {
    policies: [fast, slow, [fast, slow], { ...slow, name: 'mine' }],
  })
  t.same(
    policies.map(({ name, denied }) => [name, denied.count]),
    [
      ['2 per second, burst 2', 2],
      ['3 in any minute', 3],
      ['2 per second, burst 2, and 3 in any minute', 3],
      ['mine', 3],
    ],
  )
})

test('policies are named after what they allow', async (t) => {
  const tried = [
    { rate: 5, per: '15 minutes', burst: 2, wait: '2 seconds' },
    { rate: 5, per: 1.5, block: '1 hour' },
    { algorithm: 'concurrency', limit: 3 },
  ] as const
  const { policies } = await replayLines([at(0)], { policies: tried })
  t.same(
    policies.map(({ name }) => name),
    ['5 per 15 minutes, burst 2, wait 2 seconds', '5 per 1.5 ms, burst 5, block 1 hour', '3 in progress'],
  )
})

test('requests whose duration nobody knows end at once under a concurrency policy, and are counted', async (t) => {
  const { policies } = await replayLines([at(0), at(0)], {
    policies: [{ algorithm: 'concurrency', limit: 1 }],
  })
  t.match(policies, [{ denied: { count: 0 }, withoutDuration: 2 }])
})

test('a request in progress holds its unit for as long as it takes, whatever `hold` says', async (t) => {
  const line = (time: number, took: number) => JSON.stringify({ time: NOON + time, ip: '192.0.2.1', took })
  const lines = [line(100_000, 100_000), line(99_999, 0), line(100_000, 0)]
  const policies = [{ algorithm: 'concurrency', limit: 1, hold: '1 second' }] as const
  const report = await replayLines(lines, { policies, duration: 'took', skew: '2 minutes' })
  t.equal(report.policies[0].denied.count, 1)
})

test('a policy that is not enforced decides in a replay as one that is', async (t) => {
  const policies = [
    { rate: 1, burst: 1, enforce: false },
    { algorithm: 'concurrency', limit: 0, enforce: 0.5 },
  ] as const
  const report = await replayLines([at(0), at(0)], { policies })
  t.match(report.policies, [{ denied: { count: 1 } }, { denied: { count: 2 } }])
})

test('more keys than a store has room for are all remembered', async (t) => {
  const ips = Array.from({ length: 40_000 }, (_, i) => `198.18.${i >> 8}.${i & 255}`)
  const lines = [...ips, ...ips].map((ip) => at(0, ip))
  const { policies, keys } = await replayLines(lines, { policies: [POLICY, { ...POLICY, block: '1 hour' }] })
  t.equal(keys, 40_000)
  t.same(
    policies.map(({ denied, keysDenied }) => [denied.count, keysDenied.count]),
    [
      [40_000, 40_000],
      [40_000, 40_000],
    ],
  )
})

test('policies that are not allowed are errors that name them', async (t) => {
  const refused = async (policies: unknown, message: RegExp) =>
    t.rejects(replayLines([at(0)], { policies: policies as never }), { message })
  await refused([{}, { rate: -1 }], /'policies\[1\]\.rate' is -1/)
  await refused([[{}, { rat: 1 }]], /'policies\[0\]\[1\]\.rat'; did you mean 'rate'/)
  await refused([[]], /'policies\[0\]' is an empty list/)
  await refused([null], /'policies\[0\]' is null/)
  await refused({}, /'policies' is an object/)
  await refused([[{ algorithm: 'concurrency', limit: 1 }, {}]], /by itself, not in a list/)
})

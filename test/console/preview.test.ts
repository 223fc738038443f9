import { test } from 'tap'
import { meaningFor } from '../../lib/console/meaning.js'
import { previewOf } from '../../lib/console/preview.js'
import { warningsOf } from '../../lib/console/preview-warnings.js'
import { clip, number, percent } from '../../lib/console/words.js'
import { compilePolicy } from '../../lib/policy/index.js'
import type { Offender, PolicyOptions, PolicyStats } from '../../types/index.js'
import { ask, CLIENT, limited, ok, only, user } from '../plugin/support/app.js'

const MINUTE = 60_000
const compiled = (...policies: PolicyOptions[]) =>
  policies.map((policy) => compilePolicy(policy, policy.name ?? 'api'))

function offender(counts: Partial<Offender>, span: number): Offender {
  const none = { denied: 0, blocked: 0, shadowDenied: 0, error: 0 }
  const times = { first: new Date(0), last: new Date(span) }
  return { limiter: 'api', id: '', key: 'key', ...none, ...counts, ...times }
}

test('what a change means for a key is said as far as its denials say it', async (t) => {
  const now = { rate: 60, per: 'minute', burst: 10 } as const
  const says = (counts: Partial<Offender>, span: number, policy: PolicyOptions, cost: number | null = 1) =>
    meaningFor(offender(counts, span), compiled(now), compiled(policy), cost)
  const hour = 60 * MINUTE
  const over = 'Denied 210 times in 60 minutes, about 3.5 a minute over the limit.'
  t.equal(
    says({ denied: 210 }, hour, { ...now, rate: 80 }),
    `${over} The new policies allow 20 more a minute: about all of it would have been allowed.`,
  )
  t.equal(
    says({ denied: 210 }, hour, { ...now, rate: 61 }),
    `${over} The new policies allow 1 more a minute: about 150 of 210 would still be denied.`,
  )
  t.equal(
    says({ denied: 210 }, hour, { ...now, burst: 20 }),
    `${over} The new policies allow 10 more at once: about 200 of 210 would still be denied.`,
  )
  t.equal(
    says({ denied: 210 }, hour, { ...now, rate: 30 }),
    `${over} The new policies allow 30 fewer a minute: it would be denied more often.`,
  )
  t.equal(
    says({ denied: 210 }, hour, { ...now, rate: 80, burst: 5 }),
    `${over} The new policies allow 20 more a minute and 5 fewer at once: about all of it would have been allowed.`,
  )
  t.equal(says({ denied: 210 }, hour, { ...now, block: 'hour' }), `${over} The new policies allow as much.`)
  t.equal(
    says({ denied: 210 }, hour, { ...now, rate: 80 }, 10),
    `${over} The new policies allow 2 more a minute: about 90 of 210 would still be denied.`,
    'a request costs 10 units',
  )
  t.equal(
    says({ denied: 25, error: 3 }, 2500, { ...now, burst: 40 }),
    'Denied at least 25 times within 2.5 s. The new policies allow 30 more at once: about all of it would have been allowed.',
  )
  t.match(says({ shadowDenied: 1 }, 0, { ...now, rate: 80 }), /^Denied once\. .*: about 1 of 1 would/)
})

test('where denials do not say what a key would use, nothing is made of them', async (t) => {
  const now = { rate: 60, per: 'minute' } as const
  const says = (counts: Partial<Offender>, policy: PolicyOptions, cost: number | null = 1) =>
    meaningFor(offender(counts, MINUTE), compiled(now), compiled(policy), cost)
  const denied = 'Denied 30 times in a minute, about 30 a minute over the limit.'
  t.equal(
    says({ blocked: 40, error: 1 }, { rate: 99 }),
    'Met a block at least 40 times. That does not say how much it would use without one.',
  )
  t.match(
    says({ blocked: 40, denied: 30 }, { rate: 99 }),
    `${denied} It was also blocked, so it is not known`,
  )
  t.equal(
    says({ denied: 30 }, { algorithm: 'concurrency', limit: 3 }),
    `${denied} The numbers do not say how long its work takes.`,
  )
  t.match(says({ denied: 30 }, { rate: 99 }, null), /What a request costs depends on it/)
  t.match(says({ denied: 30 }, { rate: 99 }, 0), /Its requests cost nothing\.$/)
})

test('of several policies the tightest that is enforced is compared, or else the tightest', async (t) => {
  const tight = { name: 'tight', rate: 10, per: 'minute', burst: 10 } as const
  const wide = { name: 'wide', algorithm: 'sliding-window', rate: 600, per: 'hour' } as const
  const says = (...policies: PolicyOptions[]) =>
    meaningFor(offender({ denied: 30 }, MINUTE), compiled(wide, tight), compiled(...policies), 1)
  t.match(says(wide), /allow 590 more at once: about all/)
  t.match(says({ ...tight, enforce: false }, wide), /allow 590 more at once/)
  t.match(says({ ...tight, rate: 20, enforce: false }), /allow 10 more a minute/)
})

/** Counts of a policy that decided a hundred times. */
function counted(counts: Partial<PolicyStats>) {
  const zero = { delayed: 0, denied: 0, blocked: 0, shadowDenied: 0, nearLimit: 0, units: 0 }
  const common = { algorithm: 'token-bucket', rate: 0, per: 0, limit: 0, enforce: 1 } as const
  return { policies: { api: { ...common, ...zero, allowed: 100, ...counts } } }
}

test('a change warns of what is lost, and of what the counts say', async (t) => {
  const now = { rate: 60, per: 'minute', burst: 10 } as const
  const says = (policies: PolicyOptions[], counts: Partial<PolicyStats> = {}, old: PolicyOptions[] = [now]) =>
    warningsOf({
      before: compiled(...old),
      after: compiled(...policies),
      stats: counted(counts),
      hasDocuments: false,
    })
  const fresh =
    'All keys begin fresh: what they have used is forgotten, and blocks that denials began end. Blocks that an operator set go on.'
  const near =
    '12 % of what api allowed left less than a fifth of its limit. A lower limit denies some of that.'
  t.strictSame(says([{ ...now, rate: 80 }]), [fresh])
  t.strictSame(says([{ ...now, block: '1 hour' }]), [], 'blocks are no part of a law')
  const atOnce = { name: 'api', algorithm: 'concurrency', limit: 5 } as const
  const becomes = 'api was of the algorithm concurrency, and becomes one of token-bucket.'
  t.strictSame(says([now], { nearLimit: 12 }, [atOnce]), [becomes, fresh])
  t.strictSame(says([{ ...now, name: 'other' }]), [], 'equal laws keep what keys have used')
  t.strictSame(says([{ ...now, rate: 30 }], { nearLimit: 12 }), [near, fresh])
  t.strictSame(says([{ ...now, burst: 5 }], { nearLimit: 12 }), [near, fresh])
  t.strictSame(says([{ ...now, rate: 30 }], { nearLimit: 0 }), [fresh])
  const small = { ...now, burst: 4 }
  t.strictSame(says([{ ...small, rate: 30 }], { nearLimit: 99 }, [small]), [fresh], 'a fifth is nothing')
  t.strictSame(says([{ ...now, rate: 30 }], { allowed: 0 }), [fresh], 'nothing was allowed yet')
  t.strictSame(says([{ ...now, rate: 80 }], { nearLimit: 12 }), [fresh])
  t.strictSame(says([{ rate: 0 }]), ['Nothing is allowed any more.', fresh])
  const shadow = { ...now, enforce: false } as const
  t.strictSame(says([now], { shadowDenied: 25 }, [shadow]), [
    'api denies more keys than before. As a shadow it would have denied 20 % of what it counted.',
  ])
  t.strictSame(says([now], {}, [shadow]), [])
  t.strictSame(says([shadow]), [])
  const two: PolicyOptions[] = [
    { ...now, name: 'api' },
    { ...now, name: 'new', rate: 5 },
  ]
  t.strictSame(says(two, { nearLimit: 50 }), [fresh], 'a policy without counts says nothing')
  t.strictSame(says(two, {}, [{ ...now, name: 'gone' }]), [fresh])
  const change = { before: compiled(now), after: compiled(now), stats: counted({}), hasDocuments: true }
  t.strictSame(warningsOf(change), [
    'Documents of limits cannot change this limiter until the update is ended.',
  ])
})

test('a preview has both sides in words, and says of each offender what it means', async (t) => {
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  const start = now()
  Date.now = () => start
  const app = await limited({
    ...only(1),
    key: 'user',
    keys: { user },
    offenders: { show: (key) => `<${key}>` },
  })
  app.get('/', ok)
  const as = (name: string) => ({ url: '/', headers: { 'x-user': name } })
  await ask(app, as('ann'), as('ann'), as('ann'), as('bob'), as('bob'), as('cy'), as('cy'))
  app.rateLimit.override('default', 'bob', only(9))
  app.rateLimit.override('default', 'dan', only(9))
  const preview = previewOf(app.rateLimit, 'default', { ...only(50), enforce: 0.1 })
  t.match(preview, {
    limiter: 'default',
    before: ['1 per hour, burst 1'],
    after: ['50 per hour, burst 50, enforced for 10 % of the keys'],
    changed: true,
    warnings: [/^All keys begin fresh/],
  })
  const { offenders } = preview
  t.match(offenders[0], {
    key: '<ann>',
    denied: 2,
    text: /^Denied 2 times within a second\. .* about all of it/,
  })
  t.match(
    offenders.find(({ key }) => key === '<bob>'),
    { text: 'It has an override, which stays.' },
  )
  t.equal(offenders.length, 3)

  t.strictSame(previewOf(app.rateLimit, 'default', only(1)), {
    limiter: 'default',
    before: ['1 per hour, burst 1'],
    after: ['1 per hour, burst 1'],
    changed: false,
    offenders: [],
    warnings: [],
  })
  t.match(previewOf(app.rateLimit, 'default', { ...only(1), enforce: false }).after, [
    '1 per hour, burst 1, as a shadow',
  ])
})

test('without the option offenders, or where a function says the cost, a preview says less', async (t) => {
  const off = await limited(only(1))
  t.match(previewOf(off.rateLimit, 'default', only(2)), { changed: true, offenders: [] })
  const app = await limited({ ...only(1), cost: () => 1, offenders: {} })
  app.get('/', ok)
  await ask(app, 'GET /', 'GET /')
  t.match(previewOf(app.rateLimit, 'default', only(2)).offenders, [
    { key: CLIENT, text: /What a request costs depends on it/ },
  ])
})

test('numbers have two digits that count', async (t) => {
  const numbers = [0.0123, 0.5, 3.456, 12.34, 123.4, 12345.6]
  t.strictSame(numbers.map(number), ['0.012', '0.5', '3.5', '12', '123', '12,346'])
  t.equal(percent(0.1234), '12 %')
})

test('a text is cut after 200 characters, and never within one', async (t) => {
  t.equal(clip('x'.repeat(200)), 'x'.repeat(200))
  t.equal(clip('x'.repeat(201)), `${'x'.repeat(200)}… (201 characters)`)
  t.equal(clip('😀'.repeat(200)), '😀'.repeat(200))
  t.equal(clip('😀'.repeat(201)), `${'😀'.repeat(200)}… (402 characters)`)
  t.equal(clip(`x${'😀'.repeat(5000)}`), `x${'😀'.repeat(199)}… (10,001 characters)`)
})

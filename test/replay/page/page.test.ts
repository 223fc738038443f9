import { test } from 'tap'
import { html } from '../../../lib/replay/page/markup.js'
import { pageOf } from '../../../lib/replay/page/page.js'
import type { ReplayOptions } from '../../../lib/replay.js'
import { replay } from '../../../lib/replay.js'
import { combined, gzipped, NOON, replayLines, streamOf } from '../support.js'

const at = (second: number, ip = '192.0.2.1') => combined(NOON + second * 1000, ip)

async function pageFor(lines: string[], options: Partial<ReplayOptions> = {}): Promise<string> {
  return pageOf(await replayLines(lines, { advice: true, ...options }))
}

test('text is escaped, markup is not, and nothing is nothing', (t) => {
  const bold = html`<b>${'<&>"\''}</b>`
  t.equal(bold.text, '<b>&lt;&amp;&gt;&quot;&#39;</b>')
  t.equal(html`${[bold, 7, ['a']]}${null}`.text, `${bold.text}7a`)
  t.end()
})

test('nothing that a client sent becomes markup', async (t) => {
  const evil = '<script>alert(1)</script>'
  const lines = [...Array(5).fill(at(0, `"'${evil.replaceAll(' ', '')}`)), `${evil} " onload=x`]
  const page = await pageFor(lines, { policies: [{ rate: 1, name: evil }] })
  t.notMatch(page, /<script/i)
  t.match(page, '&lt;script&gt;alert(1)&lt;/script&gt;')
})

test('the page asks no host for anything, and runs no script', async (t) => {
  const page = await pageFor([at(0), at(0)], { policies: [{ rate: 1 }] })
  t.match(page, /^<!doctype html>\n/)
  t.match(page, "default-src 'none'; style-src 'unsafe-inline'")
  t.same(page.match(/(?:https?:|\/\/|url\(|src=|href=|<script|<link|@import)/g), null)
})

test('it has all that the text has', async (t) => {
  const policies: ReplayOptions['policies'] = [
    { rate: 60, burst: 1, wait: '1 second' },
    { rate: 1, block: '1 hour' },
    { algorithm: 'concurrency', limit: 1 },
  ]
  const lines = [0, 0, 0, 0, 30, 90, 0].map((second) => at(second))
  const json = JSON.stringify({ time: NOON, msg: 'x' })
  const page = await pageFor([...lines, json], { policies, status: '2xx' })
  for (const text of [
    '<h2>All policies</h2>',
    '60 per minute, burst 1, wait 1 second',
    'of the requests denied: 2',
    'denied while blocked',
    'delayed',
    '7 requests without a duration',
    '1 request out of order',
    '1 line of 8 are not readable. The first is line 8',
    'The longest run: 2 denials of 192.0.2.1, 2026-03-01 12:00:00 to 12:00:00.',
    'await app.register(rateLimit, {',
    'The least burst that never denies half, 90 %, 99 % and 99.9 % of the keys, by rate',
    'How many keys need which burst at the suggested rate',
    '2026-03-01 12:00:00 to 12:01:30 UTC, counted by ip',
  ])
    t.match(page, text, text)
  t.equal(page.match(/<svg /g)?.length, 5)
})

test('a file that is cut, and lines left out, are said', async (t) => {
  const whole = gzipped(Array.from({ length: 500 }, (_, i) => at(i, `198.18.0.${i % 250}`)).join('\n'))
  const report = await replay({
    files: streamOf(whole.subarray(0, whole.length - 20)),
    where: 'ip=198.18.0.1',
  })
  const page = pageOf(report)
  t.match(page, 'It ends in the middle of its gzip data.')
  t.match(page, /<p class="soft">\d+ requests left out<\/p>/)
  const two = pageOf({ ...report, files: [...report.files, ...report.files], otherLines: 2 })
  t.match(two, '<title>Replay of 2 files</title>')
  t.match(two, '2 lines without a request')
})

test('a page about nothing, and about one policy, is a page', async (t) => {
  t.match(await pageFor([]), 'no requests, counted by ip')
  t.match(await pageFor([], { policies: [{ rate: 1 }] }), '0 %')
  const one = await pageFor([at(0)], { rates: [{ rate: 1, per: 'day' }] })
  t.match(one, /aria-label="The least burst/)
  t.notMatch(one, 'NaN')
  const page = await pageFor([JSON.stringify({ time: NOON, ip: '192.0.2.1', cost: 1e9 })], {
    cost: 'cost',
    rates: [{ rate: 1, per: 'day' }],
  })
  t.notMatch(page, /Suggestion|NaN/)
})

test('what is suggested is marked in the charts, wherever it lies', async (t) => {
  const lines = Array.from({ length: 40 }, () => at(0))
  const slow = await pageFor(lines, {
    rates: [
      { rate: 1, per: 'minute' },
      { rate: 1000, per: 'minute' },
    ],
  })
  t.match(slow, /text-anchor="start">suggested: 1 per minute, burst 40</)
  const busy = Array.from({ length: 3000 }, (_, i) => at(Math.floor(i / 20)))
  const fast = await pageFor(busy, {
    rates: [
      { rate: 1, per: 'minute' },
      { rate: 1000, per: 'minute' },
    ],
  })
  t.match(fast, /text-anchor="end">suggested: 1000 per minute, burst \d+</)
  const single = await pageFor([at(0), at(100)])
  t.match(single, '<title>burst 1</title>')
})

test('bars have round labels, whatever the length of the log', async (t) => {
  const labelsOf = async (seconds: number) => {
    const lines = Array.from({ length: 20 }, (_, i) => at(Math.floor((i * seconds) / 19)))
    const page = await pageFor(lines, { policies: [{ rate: 1 }], advice: false })
    t.notMatch(page, 'NaN')
    return [...page.matchAll(/text-anchor="middle">([\d:-]+)<\/text>/g)].map(([, label]) => label).join(' ')
  }
  t.equal(await labelsOf(10), '12:00:00 12:00:02 12:00:04 12:00:06 12:00:08 12:00:10')
  t.equal(await labelsOf(3600), '12:00 12:10 12:20 12:30 12:40 12:50 13:00')
  t.equal(await labelsOf(86_400), '12:00 15:00 18:00 21:00 03-02 03:00 06:00 09:00 12:00')
  t.equal(await labelsOf(5 * 86_400), '03-02 03-03 03-04 03-05 03-06')
  t.match(await labelsOf(20 * 365 * 86_400), /^\d\d-\d\d/)
})

test('a bar says how long it is', async (t) => {
  const lengths = await Promise.all(
    [100, 3000, 80_000, 3e6, 8e7].map(async (seconds) => {
      const page = await pageFor([at(0), at(seconds)], { policies: [{ rate: 1 }], advice: false })
      return /each bar ([^<]+)</.exec(page)?.[1]
    }),
  )
  t.same(lengths, ['1 s', '30 s', '10 min', '6 h', '7 d'])
})

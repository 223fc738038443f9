import { createHash } from 'node:crypto'
import { test } from 'tap'
import { shownKey, shownText } from '../../lib/replay/shown-key.js'
import { combined, NOON, replayLines } from './support.js'

const SECRET = 'sk_live_0123456789'
const DIGEST = createHash('sha256').update(SECRET).digest('hex').slice(0, 8)

test('an address is shown as it is, any other key shortened, unless all are to be shown', async (t) => {
  t.equal(shownKey('2001:db8::/64', 'ip', false), '2001:db8::/64')
  t.equal(shownKey('global', 'global', false), 'global')
  t.equal(shownKey(SECRET, 'user', false), `sk_l…${DIGEST}`)
  t.equal(shownKey(SECRET, 'user', true), SECRET)
})

test('no report holds a key that it does not show', async (t) => {
  const lines = Array(3).fill(combined(NOON, '192.0.2.1', { user: SECRET }))
  const options = { key: 'user', policies: [{ rate: 1 }], advice: true }
  t.notMatch(JSON.stringify(await replayLines(lines, options)), SECRET)
  t.match(JSON.stringify(await replayLines(lines, options)), DIGEST)
  t.match(JSON.stringify(await replayLines(lines, { ...options, showKeys: true })), SECRET)
})

test('nothing that a terminal obeys gets through', async (t) => {
  t.equal(shownText('a\u001b[31m\u202eb\n\u2028'), 'a\\u{1b}[31m\\u{202e}b\\u{a}\\u{2028}')
  t.equal(shownText('x'.repeat(300)).length, 200)
  t.equal(shownKey('\u001b', 'ip', false), '\\u{1b}')
})

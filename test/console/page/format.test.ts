import { test } from 'tap'
import {
  ago,
  clockTime,
  count,
  counted,
  duration,
  fullTime,
  minuteTime,
  percent,
  perSecond,
  shortCount,
  shown,
  when,
} from '../../../lib/console/page/format.js'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

test('a rate has one digit of a fraction below 10, none above, and few above 100,000', async (t) => {
  t.same([null, 0, 0.01, 0.05, 1, 9.94, 9.95, 10.4, 31_208.4].map(perSecond), [
    '–',
    '0',
    '<0.1',
    '0.1',
    '1.0',
    '9.9',
    '10',
    '10',
    '31,208',
  ])
  t.equal(perSecond(1_204_311), '1.2M')
  t.equal(count(1_204_311), '1,204,311')
  t.same([99_999, 100_000].map(shortCount), ['99,999', '100K'])
})

test('a share is never shown as nothing or all where it is not quite that', async (t) => {
  t.same([0, 0.0001, 0.014, 0.0994, 0.0995, 0.5, 0.994, 0.9999, 1].map(percent), [
    '0%',
    '<0.1%',
    '1.4%',
    '9.9%',
    '10%',
    '50%',
    '99%',
    '>99%',
    '100%',
  ])
})

test('a duration has two units at most, and is rounded up', async (t) => {
  t.same(
    [0, 0.2, 540, 999, 1000, 1001, 59_001, 90 * SECOND, 2 * HOUR, 26 * HOUR + 5 * MINUTE, null].map(duration),
    ['0 ms', '1 ms', '540 ms', '999 ms', '1 s', '2 s', '1 min', '1 min 30 s', '2 h', '1 d 2 h', 'never'],
  )
})

test('an age is without seconds from a minute on', async (t) => {
  const now = Date.parse('2026-11-27T11:00:00Z')
  const back = (ms: number) => ago(now - ms, now)
  t.same([0, 1499, 2900, 59 * SECOND, 61 * SECOND, 90 * SECOND, 2 * HOUR + MINUTE].map(back), [
    'now',
    'now',
    '2 s ago',
    '59 s ago',
    '1 min ago',
    '1 min ago',
    '2 h 1 min ago',
  ])
  t.equal(ago('2026-11-27T10:59:40Z', now), '20 s ago')
  t.equal(ago(now + 5000, now), 'now', 'a clock that runs ahead')
})

test('a time of today has no day', async (t) => {
  const now = new Date(2026, 10, 27, 11, 0, 5).getTime()
  t.equal(when(now - HOUR, now), clockTime(now - HOUR))
  t.match(when(now - 48 * HOUR, now), new RegExp(`^Nov 25, ${minuteTime(now - 48 * HOUR)}$`))
  t.match(fullTime(now), /November 27, 2026/)
})

test('what could hide or reorder text of a key is written out, and a long key is cut', async (t) => {
  t.equal(shown('203.0.113.7'), '203.0.113.7')
  t.equal(shown('invoice\u202egpj.exe'), 'invoice\\u202egpj.exe')
  t.equal(shown('a\u0000b\u200bc\nd\u061c\ufeff'), 'a\\u0000b\\u200bc\\u000ad\\u061c\\ufeff')
  t.equal(shown('<script>alert(1)</script>'), '<script>alert(1)</script>', 'text stays text')
  t.equal(shown('مرحبا 👋'), 'مرحبا 👋')
  t.equal(shown('x'.repeat(15_000)), `${'x'.repeat(96)}… (15,000 characters)`)
  const cut = `${'x'.repeat(200)}… (15,000 characters)`
  t.equal(shown(cut), `${'x'.repeat(96)}… (15,000 characters)`, 'the server has cut it already')
  t.equal(shown(`${'x'.repeat(95)}👋`), `${'x'.repeat(95)}… (97 characters)`, 'no half of a character')
})

test('one of a thing, and more', async (t) => {
  t.same(
    [counted(1, 'key'), counted(1200, 'key'), counted(0, 'process', 'processes')],
    ['1 key', '1,200 keys', '0 processes'],
  )
})

import fc from 'fast-check'
import { test } from 'tap'
import { isoOf, parseTime } from '../../lib/replay/time.js'

/** Moments from 1970 to 2255, whole ms. */
const moments = fc.integer({ min: 0, max: 8_993_548_800_000 })

test('a time reads as in ISO 8601, and what was written is read again', async () => {
  fc.assert(
    fc.property(moments, (ms) => {
      const iso = new Date(ms).toISOString().replace('.000Z', 'Z')
      return isoOf(ms * 1000) === iso && parseTime(iso) === ms * 1000
    }),
  )
})

test('a zone moves a time, whatever way it is written', async (t) => {
  fc.assert(
    fc.property(moments, fc.integer({ min: -14 * 60, max: 14 * 60 }), (ms, offset) => {
      const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1)
      const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0')
      const minutes = String(Math.abs(offset) % 60).padStart(2, '0')
      const sign = offset < 0 ? '-' : '+'
      // Before 1970 a log has no time.
      const zones = [`${sign}${hours}:${minutes}`, `${sign}${hours}${minutes}`, ` ${sign}${hours}${minutes}`]
      return zones.every((zone) => parseTime(local + zone) === ms * 1000)
    }),
  )
  t.equal(parseTime('2026-03-01T12:00:00+02'), parseTime('2026-03-01T10:00:00Z'))
})

test('times of logs in all their forms are read', async (t) => {
  const noon = Date.UTC(2026, 2, 1, 12) * 1000
  const same: unknown[] = [
    1_772_366_400,
    1_772_366_400_000,
    1_772_366_400_000_000,
    1_772_366_400_000_000_000,
    '1772366400',
    '1772366400.000',
    '2026-03-01T12:00:00Z',
    '2026-03-01 12:00:00',
    '2026-03-01T12:00',
    '2026-03-01t12:00:00.000z',
    '2026-03-01T12:00:00,000+0000',
    '2026-03-01T04:00:00-08:00',
    '01/Mar/2026:12:00:00 +0000',
    '[01/mar/2026:13:30:00 +0130]',
  ]
  for (const value of same) t.equal(parseTime(value), noon, String(value))
  t.equal(parseTime('2026-03-01'), noon - 12 * 3600e6)
  t.equal(parseTime('2026-03-01T12:00:00.1234567Z'), noon + 123_456)
  t.equal(parseTime(1_772_366_400.25), noon + 250_000)
  t.equal(parseTime('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29) * 1000)
  t.equal(parseTime('2026-03-01T23:59:60Z'), parseTime('2026-03-02T00:00:00Z'), 'a leap second')
})

test('what is no time is none', async (t) => {
  const none: unknown[] = [
    'yesterday',
    '',
    '-5',
    -5,
    1e20,
    Number.NaN,
    null,
    undefined,
    true,
    {},
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-03-00T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T12:60:00Z',
    '2026-03-01T12:00:61Z',
    '01/Mai/2026:12:00:00 +0000',
    '01/Mar/2026 12:00:00 +0000',
  ]
  for (const value of none) t.equal(Number.isNaN(parseTime(value)), true, String(value))
})

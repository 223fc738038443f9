import { test } from 'tap'
import { periodText, readPeriod } from '../../../lib/console/page/period.js'

test('a period in milliseconds is shown in the largest unit that fits', async (t) => {
  t.same([1, 400, 1000, 60_000, 90_000, 900_000, 3_600_000, 172_800_000].map(periodText), [
    '1',
    '400',
    'second',
    'minute',
    '90 seconds',
    '15 minutes',
    'hour',
    '2 days',
  ])
})

test('a period in words stays as it is, and none is an empty field', async (t) => {
  t.same(['15 minutes', '30s', undefined, null].map(periodText), ['15 minutes', '30s', '', ''])
})

test('a number is read as milliseconds, and anything else as words', async (t) => {
  t.same(['400', '1.5', 'minute', '15 minutes', '-1'].map(readPeriod), [
    400,
    1.5,
    'minute',
    '15 minutes',
    '-1',
  ])
})

import { test } from 'tap'
import { blockText, policyText } from '../../lib/limits/change-text.js'

test('a change is said in the words of who made it', (t) => {
  t.equal(policyText(null), 'ended')
  t.equal(policyText(false), 'no limit')
  t.equal(policyText([{ rate: 5 }, { rate: 9 }]), '[{"rate":5},{"rate":9}]')
  t.equal(
    policyText({ rate: 5 }, new Date('2027-01-31T18:00:00Z')),
    '{"rate":5} until 2027-01-31T18:00:00.000Z',
  )
  t.equal(policyText(false, '2027-01-31T18:00Z'), 'no limit until 2027-01-31T18:00Z')
  t.equal(blockText(250), 'blocked for 250 ms')
  t.equal(blockText('2 hours'), 'blocked for 2 hours')
  t.end()
})

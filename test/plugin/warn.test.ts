import { type Test, test } from 'tap'
import { Warnings } from '../../lib/plugin/warn.js'

function emitted(t: Test): { code?: string; message: string }[] {
  const list: { code?: string; message: string }[] = []
  t.intercept(process, 'emitWarning', {
    value: (message: string, { code }: { code: string }) => list.push({ code, message }),
  })
  return list
}

test('each warning is emitted once for each subject', (t) => {
  const list = emitted(t)
  const warnings = new Warnings()
  for (const subject of ['user', 'team', 'user']) warnings.once('FST_FLOODGATE_W002', subject)
  warnings.once('FST_FLOODGATE_W003', 'user', 'TypeError')
  warnings.once('FST_FLOODGATE_W003', 'user', 'RangeError')
  t.match(list, [
    { code: 'FST_FLOODGATE_W002', message: /^The key strategy user gave no key/ },
    { code: 'FST_FLOODGATE_W002', message: /^The key strategy team gave no key/ },
    { code: 'FST_FLOODGATE_W003', message: /^The key strategy user failed .* Reason: TypeError$/ },
  ])
  t.equal(list.length, 3)
  t.end()
})

test('two registrations each warn for themselves', (t) => {
  const list = emitted(t)
  new Warnings().once('FST_FLOODGATE_W001')
  new Warnings().once('FST_FLOODGATE_W001')
  t.equal(list.length, 2)
  t.end()
})

test('a warning shows its subject as it is, special characters included', (t) => {
  const list = emitted(t)
  new Warnings().once('FST_FLOODGATE_W003', "of limiters.$&%s$'.key", 'Error')
  t.match(list[0].message, "The key strategy of limiters.$&%s$'.key failed for")
  t.match(list[0].message, /Reason: Error$/)
  t.end()
})

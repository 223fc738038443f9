import { test } from 'tap'
import { replay } from '../../lib/replay.js'
import { combined, NOON, replayLines, streamOf } from './support.js'

const LINE = combined(NOON, '192.0.2.1')

test('options that are not allowed are errors that say what is', async (t) => {
  const cases: [object, RegExp][] = [
    [{ polices: [] }, /'polices'; did you mean 'policies'/],
    [{ files: [] }, /'files' is a list; allowed: a path, a stream of bytes/],
    [{ files: undefined }, /'files' is undefined/],
    [{ format: 'clf' }, /'format' is 'clf'; allowed: combined, common, pino, json/],
    [{ format: 'pinno' }, /did you mean 'pino'/],
    [{ key: '' }, /'key' is ''; allowed: the name of a field/],
    [{ key: 7 }, /'key' is 7/],
    [{ time: '' }, /'time' is ''/],
    [{ cost: -1 }, /cost is -1/],
    [{ cost: '' }, /'cost' is ''/],
    [{ ipv6Prefix: 0 }, /'ipv6Prefix' is 0; allowed: an integer from 1 to 128/],
    [{ ipv6Prefix: 129 }, /'ipv6Prefix'/],
    [{ ipv6Prefix: '64' }, /'ipv6Prefix'/],
    [{ where: 'route' }, /'where' is 'route'; allowed: a condition such as/],
    [{ where: ['=x'] }, /'where' is '=x'/],
    [{ status: ['a', 'b'] }, /'status' is 'b'; allowed: one path, which is 'a'/],
    [{ duration: 'took:m' }, /'duration' is 'took:m'; allowed: a path, or one with a unit/],
    [{ duration: ':s' }, /'duration' is ''/],
    [{ skew: 'long' }, /'skew' is 'long'/],
  ]
  for (const [options, message] of cases)
    await t.rejects(
      replay({ files: streamOf(LINE), ...options } as never),
      { message },
      JSON.stringify(options),
    )
})

test('a cost is the same for all requests, or a field', async (t) => {
  const { policies } = await replayLines([LINE, LINE], { cost: 5, policies: [{ rate: 10, burst: 9 }] })
  t.equal(policies[0].denied.count, 1)
})

test('advice comes where there are no policies, or where it is asked for', async (t) => {
  const policies = [{ rate: 1 }]
  t.ok((await replayLines([LINE])).advice)
  t.equal((await replayLines([LINE], { policies })).advice, null)
  t.ok((await replayLines([LINE], { policies, advice: true })).advice)
  t.equal((await replayLines([LINE], { advice: false })).advice, null)
})

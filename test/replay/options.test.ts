import { test } from 'tap'
import { type ReplayOptions, replay } from '../../lib/replay.js'
import { combined, NOON, replayLines, streamOf } from './support.js'

const LINE = combined(NOON, '192.0.2.1')

test('options that are not allowed are errors that say what is', async (t) => {
  const cases: [object, RegExp][] = [
    [{ polices: [] }, /'polices'; did you mean 'policies'/],
    [{ files: [] }, /'files' is an empty list; allowed: a path, a stream of bytes/],
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
    [{ status: '40x' }, /'status' is '40x'; allowed: statuses such as '2xx' or '401,403', or their path/],
    [{ status: ['2xx', '9xx'] }, /'status' is '9xx'/],
    [{ status: '401, 4o3' }, /'status' is '401, 4o3'/],
    [{ status: '401,' }, /'status' is '401,'/],
    [{ where: ' =x' }, /'where' is ' =x'/],
    [{ duration: 'took:m' }, /'duration' is 'took:m'; allowed: a path, or one with a unit/],
    [{ duration: ':s' }, /'duration' is ''/],
    [{ skew: 'long' }, /'skew' is 'long'/],
    [{ skew: null }, /'skew' is null/],
    [{ ipv6Prefix: null }, /'ipv6Prefix' is null/],
    [{ cost: null }, /cost is null/],
    [{ rates: 5 }, /'rates' is 5; allowed: a list of rates/],
    [{ rates: [null] }, /'rates\[0\]' is null; allowed: an object/],
    [{ rates: [{ rat: 5 }] }, /'rates\[0\].rat'; did you mean 'rate'/],
    [{ where: 5 }, /'where' is 5; allowed: a string, or a list of strings/],
    [{ status: [5] }, /'status' is a list; allowed: a string, or a list of strings/],
    [{ advice: 'no' }, /'advice' is 'no'; allowed: true or false/],
    [{ showKeys: 'no' }, /'showKeys' is 'no'; allowed: true or false/],
    [{ onProgress: 5 }, /'onProgress' is 5; allowed: a function/],
  ]
  for (const [options, message] of cases)
    await t.rejects(
      replay({ files: streamOf(LINE), ...options } as never),
      { message },
      JSON.stringify(options),
    )
})

test('a text log has no other fields, and nothing in it has a path', async (t) => {
  const fields = 'ip, user, method, url, route, status, referer, agent; stream is a combined log'
  const noPath = 'allowed: paths only in JSON; stream is a combined log'
  const cases: [Partial<ReplayOptions>, string][] = [
    [{ key: 'usr' }, `'key' is 'usr'; did you mean 'user'?; allowed: global, ${fields}`],
    [{ key: 'req.headers.x-api-key' }, `'key' is 'req.headers.x-api-key'; allowed: global, ${fields}`],
    [{ where: ['route=/', 'host=a'] }, `'where' is 'host'; allowed: ${fields}`],
    [{ where: 'metod!=GET' }, `'where' is 'metod'; did you mean 'method'?; allowed: ${fields}`],
    [{ cost: 'size' }, `'cost' is 'size'; allowed: a number, ${fields}`],
    [{ time: 'ts' }, `'time' is 'ts'; ${noPath}`],
    [{ ip: 'client.addr' }, `'ip' is 'client.addr'; ${noPath}`],
    [{ route: 'to' }, `'route' is 'to'; ${noPath}`],
    [{ duration: 'took:s' }, `'duration' is 'took'; ${noPath}`],
    [
      { status: ['2xx', 'code'] },
      "'status' is 'code'; allowed: statuses such as '2xx', and paths only in JSON; stream is a combined log",
    ],
  ]
  for (const [options, message] of cases)
    await t.rejects(
      replayLines([LINE], options),
      { code: 'FST_FLOODGATE_OPTION', message: `option ${message}` },
      message,
    )
  await t.rejects(replayLines([LINE.split(' "-"')[0]], { key: 'usr' }), /stream is a common log/)
  await t.rejects(replayLines([LINE], { format: 'common', time: 'ts' }), /stream is a common log/)
  t.match(await replayLines([''], { key: 'usr', time: 'ts' }), { requests: 0 }, 'an empty log has no format')
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

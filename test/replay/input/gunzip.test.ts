import { constants, gunzipSync, gzipSync } from 'node:zlib'
import { test } from 'tap'
import { StreamBytes } from '../../../lib/replay/input/bytes.js'
import { GzipBytes } from '../../../lib/replay/input/gunzip.js'
import { replay } from '../../../lib/replay.js'
import { combined, NOON, replayLines, streamOf } from '../support.js'

/** Lines that compress badly, so that a cut anywhere loses something else. */
let seed = 1
const noisy = () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return `GET /${seed.toString(36)}${(seed * 7919).toString(36)} HTTP/1.1`
}
const LINES = Array.from({ length: 3000 }, (_, i) =>
  combined(NOON + i * 100, `192.0.2.${i % 200}`, { request: noisy() }),
)
const TEXT = `${LINES.join('\n')}\n`

async function decode(bytes: Uint8Array, room = 1000) {
  const gzip = new GzipBytes(new StreamBytes(streamOf(bytes, 5000)))
  const parts: Buffer[] = []
  for (;;) {
    const target = Buffer.alloc(room)
    const read = await gzip.read(target, 0)
    if (read === 0) break
    parts.push(target.subarray(0, read))
  }
  const { damage, consumed } = gzip
  await gzip.close()
  return { text: Buffer.concat(parts).toString('latin1'), damage, consumed }
}

test('gzip is decoded, several members too, and zeros after them are nothing', async (t) => {
  const one = gzipSync(TEXT)
  const inputs = [one, Buffer.concat([one, gzipSync('more\n')]), Buffer.concat([one, Buffer.alloc(20_000)])]
  const texts = [TEXT, `${TEXT}more\n`, TEXT]
  for (const [i, input] of inputs.entries()) {
    const { text, damage, consumed } = await decode(input)
    t.equal(text === texts[i], true)
    t.same([damage, consumed > one.length - 1], [null, true])
  }
})

test('of gzip that ends too early, all is read that can be', async (t) => {
  const whole = gzipSync(TEXT)
  for (let length = 20; length < whole.length; length += 997) {
    const cut = whole.subarray(0, length)
    const wanted = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1')
    const { text, damage } = await decode(cut)
    t.equal(text === wanted, true, `${length} bytes`)
    t.equal(damage, 'ends in the middle of its gzip data')
  }
})

test('damaged gzip, and other bytes after it, are read up to shortly before the damage', async (t) => {
  const extended = await decode(Buffer.concat([gzipSync(TEXT), Buffer.from('rubbish'.repeat(5000))]))
  t.equal(TEXT.startsWith(extended.text) && TEXT.length - extended.text.length < 16_384, true)
  t.match(extended.damage, /incorrect header/)
  const broken = gzipSync(TEXT)
  broken.fill(0xff, broken.length >> 1, (broken.length >> 1) + 50)
  const { text, damage } = await decode(broken)
  t.match(damage, /^has damaged gzip data \(.+\)$/)
  const start = text.slice(0, 20_000)
  t.equal(TEXT.startsWith(start), true)
})

test('a report of a gzip file that is cut counts its whole lines, and says so', async (t) => {
  const whole = gzipSync(TEXT)
  const cut = whole.subarray(0, whole.length / 2)
  const lines = gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1').split('\n')
  const { files, requests } = await replay({ files: streamOf(cut) })
  t.ok(requests === lines.length || requests === lines.length - 1, `${requests} of ${lines.length}`)
  t.match(files, [{ damage: 'ends in the middle of its gzip data' }])
  await t.rejects(replay({ files: streamOf(gzipSync(LINES[0], { level: 0 }).subarray(0, 40)) }), {
    message: /no request in a format that is known: .*; stream ends in the middle of its gzip data$/,
  })
  t.match(await replayLines(LINES), { requests: 3000 })
  t.match(await replay({ files: streamOf(whole) }), { requests: 3000, files: [{ damage: null }] })
})

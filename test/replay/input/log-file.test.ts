import { execFileSync } from 'node:child_process'
import { appendFileSync, createReadStream, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'tap'
import { OpenableLog } from '../../../lib/replay/input/log-file.js'
import { replay } from '../../../lib/replay.js'
import { combined, gzipped, NOON } from '../support.js'

const TEXT = `${combined(NOON, '192.0.2.1')}\n${combined(NOON, '192.0.2.2')}\n`

test('a path, an address and a stream are read, compressed or not, whatever their names', async (t) => {
  const folder = t.testdir({ plain: TEXT, 'packed.log': '' })
  writeFileSync(join(folder, 'packed.log'), gzipped(TEXT))
  const plain = join(folder, 'plain')
  const packed = join(folder, 'packed.log')
  for (const file of [
    plain,
    packed,
    pathToFileURL(packed),
    createReadStream(plain),
    createReadStream(packed),
  ])
    t.match(await replay({ files: file }), { requests: 2, keys: 2 })
  t.match(await replay({ files: [plain, packed] }), {
    requests: 4,
    files: [{ file: plain }, { file: packed }],
  })
})

test('a named pipe is read once, as a stream is', async (t) => {
  const folder = t.testdir({})
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const [report] = await Promise.all([replay({ files: pipe }), writeFile(pipe, TEXT)])
  t.match(report, { requests: 2, advice: { suggestion: { report: null } } })
})

test('what is written to a file after it was found does not count', async (t) => {
  const path = join(t.testdir({ log: TEXT }), 'log')
  const log = await OpenableLog.find(path)
  appendFileSync(path, TEXT)
  const bytes = await log.open()
  const target = Buffer.alloc(1000)
  let length = 0
  for (let read = -1; read !== 0; length += Math.max(read, 0)) read = await bytes.read(target, length)
  await bytes.close()
  t.equal(target.toString('utf8', 0, length), TEXT)
})

test('a file that is not there, a folder, and a file below a file are errors that name them', async (t) => {
  const folder = t.testdir({ log: TEXT })
  const refused = (file: string, message: RegExp) =>
    t.rejects(replay({ files: join(folder, file) }), { code: 'FST_FLOODGATE_LOG', message })
  await refused('missing.log', /missing\.log: no such file$/)
  await refused('', /: a folder; name the files in it$/)
  await refused('log/below', /log\/below: ENOTDIR/)
  const log = await OpenableLog.find(join(folder, 'log'))
  rmSync(join(folder, 'log'))
  await t.rejects(log.open(), { code: 'FST_FLOODGATE_LOG', message: /no such file$/ })
})

test('files that are compressed in another way are errors that name the program to use', async (t) => {
  const cases = { zstd: [0x28, 0xb5, 0x2f, 0xfd], bz: [0x42, 0x5a, 0x68], xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a] }
  const folder = t.testdir({})
  for (const [name, start] of Object.entries(cases)) {
    const path = join(folder, name)
    writeFileSync(path, Buffer.from([...start, 0, 0]))
    await t.rejects(replay({ files: path }), {
      message: new RegExp(`${name}.*; ${name}cat .*${name} \\| fastify-floodgate replay -`),
    })
  }
})

test('an empty file is no error', async (t) => {
  const folder = t.testdir({ empty: '', log: TEXT, lines: '\n\n' })
  const files = ['empty', 'lines', 'log'].map((name) => join(folder, name))
  t.match(await replay({ files }), {
    requests: 2,
    files: [
      { format: null, lines: 0 },
      { format: null, lines: 2 },
      { format: 'combined', lines: 2 },
    ],
  })
  t.match(await replay({ files: files[0] }), { requests: 0, keys: 0, from: null, to: null, advice: null })
})

test('what is no file is refused', async (t) => {
  for (const file of [7, {}, null])
    await t.rejects(replay({ files: [file as never] }), { code: 'FST_FLOODGATE_OPTION' })
})

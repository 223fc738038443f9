import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { FileLimits, fileLimits } from '../../lib/limits/file-limits.js'
import { startsAgain } from './restarts.js'

/** A source over a file in a folder of its own, and what it delivered: texts, and errors with a `!`. */
function watched(t: Test, name = 'limits.json') {
  const folder = mkdtempSync(join(tmpdir(), 'floodgate-limits-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  let timer: (() => void) | null = null
  let cancelled = 0
  const source = new FileLimits(path, (ms, listener) => {
    t.equal(ms, 2000)
    timer = listener
    return () => {
      timer = null
      cancelled++
    }
  })
  const seen: string[] = []
  const start = () =>
    source.start(
      (text) => void seen.push(text),
      (error) => void seen.push(`! ${error.message.replace(path, 'limits.json')}`),
    )
  /** Lets 2 seconds pass. Returns what came. */
  const later = async () => {
    const [listener, from] = [timer, seen.length]
    timer = null
    listener?.()
    while (timer === null && cancelled === 0) await setImmediate()
    return seen.slice(from)
  }
  return {
    folder,
    path,
    source,
    seen,
    start,
    later,
    hasTimer: () => timer !== null,
    cancelled: () => cancelled,
  }
}

test('a file is delivered at start, and again when its content is another one', async (t) => {
  const { path, seen, start, later } = watched(t)
  writeFileSync(path, '{}')
  await start()
  t.same(seen, ['{}'])
  t.same(await later(), [])
  writeFileSync(path, '{"limiters":{}}')
  t.same(await later(), ['{"limiters":{}}'])
  writeFileSync(path, '{"limiters":{}}')
  t.same(await later(), [], 'a new time, the same content')
  const other = `${path}.new`
  writeFileSync(other, '{ }')
  renameSync(other, path)
  t.same(await later(), ['{ }'], 'another file in its place')
})

test('symbolic links that move are followed, as Kubernetes moves those of a ConfigMap', async (t) => {
  const { folder, path, start, later } = watched(t)
  for (const [version, text] of [
    ['..2026_1', '{}'],
    ['..2026_2', '{ "overrides": [] }'],
  ] as const) {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'limits.json'), text)
  }
  symlinkSync('..2026_1', join(folder, '..data'))
  symlinkSync(join('..data', 'limits.json'), path)
  await start()
  symlinkSync('..2026_2', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  rmSync(join(folder, '..2026_1'), { recursive: true })
  t.same(await later(), ['{ "overrides": [] }'])
})

test('a file that is deleted, or that may not be read, is reported, and delivered when it is back', async (t) => {
  const { path, start, later } = watched(t)
  writeFileSync(path, '{}')
  await start()
  unlinkSync(path)
  t.same(await later(), ['! limits.json cannot be read: it does not exist'])
  writeFileSync(path, '{}')
  t.same(await later(), ['{}'])
  unlinkSync(path)
  mkdirSync(path)
  t.same(await later(), ['! limits.json cannot be read: it is not a file'])
  rmSync(path, { recursive: true })
  symlinkSync(path, path)
  t.match(await later(), [/^! limits.json cannot be read: .*ELOOP/])
})

test('a file without permission is reported', {
  skip: process.getuid?.() === 0 && 'root may read all',
}, async (t) => {
  const { path, start, later } = watched(t)
  writeFileSync(path, '{}')
  await start()
  chmodSync(path, 0)
  t.same(await later(), ['! limits.json cannot be read: this process may not read it'])
})

test('a file of 10 MB is read, and a larger one is not', async (t) => {
  const { path, seen, start, later } = watched(t)
  const full = `{}${' '.repeat(10 * 1024 * 1024 - 2)}`
  writeFileSync(path, full)
  await start()
  t.equal(seen[0], full)
  writeFileSync(path, `${full} `)
  t.same(await later(), ['! limits.json cannot be read: at most 10485760 bytes are allowed'])
})

test('a byte order mark is no part of the text, and other encodings are reported', async (t) => {
  const { path, seen, start, later } = watched(t)
  writeFileSync(path, '\ufeff{}')
  await start()
  t.same(seen, ['{}'])
  writeFileSync(path, Buffer.from('{"a":"\u00e9"}', 'latin1'))
  t.same(await later(), ['! limits.json cannot be read: it is not UTF-8'])
})

test('start rejects where the file is missing, or its document is not allowed, and names the file', async (t) => {
  const { path, source, start, hasTimer } = watched(t)
  await t.rejects(start(), {
    message: `${path} cannot be read: it does not exist`,
    code: 'FST_FLOODGATE_LIMITS',
  })
  writeFileSync(path, '{}')
  const refuse = (_: unknown, place?: string) => {
    throw new Error(`wrong: ${place}`)
  }
  await t.rejects(source.start(refuse, refuse), { message: `wrong: ${path}` })
  t.notOk(hasTimer())
})

test('after stop nothing is read or delivered', async (t) => {
  const { path, source, seen, start, later, hasTimer, cancelled } = watched(t)
  writeFileSync(path, '{}')
  await start()
  source.stop()
  t.equal(cancelled(), 1)
  t.notOk(hasTimer())
  t.same(await later(), [])
  t.same(seen, ['{}'])

  const second = watched(t)
  writeFileSync(second.path, '{}')
  await second.start()
  writeFileSync(second.path, '{ }')
  const reading = second.later()
  second.source.stop()
  await reading
  for (let i = 0; i < 5; i++) await readFile(second.path)
  t.same(second.seen, ['{}'], 'what was being read is not delivered')

  const third = watched(t)
  writeFileSync(third.path, '{}')
  await third.start()
  unlinkSync(third.path)
  const failing = third.later()
  third.source.stop()
  await failing
  for (let i = 0; i < 5; i++) await readFile(second.path)
  t.same(third.seen, ['{}'], 'nor is a failure reported')
})

test('fileLimits() needs a path', async (t) => {
  t.throws(() => fileLimits(''), { message: "option 'path' is ''; allowed: the path of a file" })
  t.throws(() => fileLimits(new URL('file:///limits.json') as never), { code: 'FST_FLOODGATE_OPTION' })
  t.ok(fileLimits('limits.json'))
})

test('a source that is in use is refused, and one that was stopped starts again', async (t) => {
  const file = watched(t)
  const { path, source, start } = file
  await startsAgain(t, 'fileLimits()', file, (text) => writeFileSync(path, text))
  source.stop()
  unlinkSync(path)
  await t.rejects(start(), { code: 'FST_FLOODGATE_LIMITS' })
  writeFileSync(path, '{}')
  await start()
  source.stop()
})

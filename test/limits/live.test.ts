import { test } from 'tap'
import { LiveLimits, versionOf } from '../../lib/limits/live.js'
import type { LimitsDocument } from '../../lib/limits/parsed-document.js'

/** Live limits over a source by hand; `put` may refuse a document. */
function live(put: (document: LimitsDocument) => void = () => {}) {
  const documents: LimitsDocument[] = []
  const logged: string[] = []
  let apply: (text: string) => void = () => {}
  let report: (error: Error) => void = () => {}
  let stopped = 0
  const first = { text: '{}' as string | null }
  const source = {
    start: async (onText: typeof apply, onError: typeof report) => {
      apply = onText
      report = onError
      if (first.text !== null) apply(first.text)
    },
    stop: () => {
      stopped++
    },
  }
  const target = {
    put: (document: LimitsDocument) => {
      put(document)
      documents.push(document)
    },
  }
  const log = {
    info: (text: string) => void logged.push(text),
    error: ({ err }: { err?: Error }, text: string) => void logged.push(`${text} (${err?.message})`),
  }
  const limits = new LiveLimits(source, target, log)
  const deliver = (text: string) => apply(text)
  const fail = (text: string) => report(new Error(text))
  return { limits, documents, logged, deliver, fail, first, stopped: () => stopped }
}

test('documents are put in force, counted and logged by version', async (t) => {
  const { limits, documents, logged, deliver } = live()
  t.same(limits.stats(), { ok: 0, invalid: 0, unreadable: 0, version: null, lastError: null })
  await limits.start()
  t.match(limits.stats(), { ok: 1, version: versionOf('{}') })
  deliver('{"limiters":{"login":{"rate":5}}}')
  t.match(documents.at(-1)?.limiters.get('login'), { rate: 5 })
  const version = versionOf('{"limiters":{"login":{"rate":5}}}')
  t.match(limits.stats(), { ok: 2, invalid: 0, version })
  t.same(logged, [`limits in force: version ${versionOf('{}')}`, `limits in force: version ${version}`])
})

test('a document that is not allowed fails the start', async (t) => {
  const { limits, logged, first } = live()
  first.text = '{"limiters":{"login":{"rate":-5}}}'
  await t.rejects(limits.start(), { code: 'FST_FLOODGATE_OPTION', message: /limiters\.login\.rate/ })
  t.same(logged, [])
})

test('later, such a document changes nothing, is logged and counted', async (t) => {
  let refuses = false
  const { limits, documents, logged, deliver } = live(() => {
    if (refuses) throw new Error('no limiter of that name')
  })
  await limits.start()
  deliver('{"limiters": {}')
  refuses = true
  deliver('{ }')
  t.equal(documents.length, 1)
  t.match(limits.stats(), {
    ok: 1,
    invalid: 2,
    version: versionOf('{}'),
    lastError: 'no limiter of that name',
  })
  t.same(logged.slice(1), [
    'new limits are not allowed: those in force stay (the limits are not JSON: line 1, column 16)',
    'new limits are not allowed: those in force stay (no limiter of that name)',
  ])
  refuses = false
  deliver('{ }')
  t.match(limits.stats(), { ok: 2, lastError: null })
})

test('a source that cannot be read is logged once, until it can be or the reason is another one', async (t) => {
  const { limits, logged, deliver, fail } = live()
  await limits.start()
  logged.length = 0
  fail('gone')
  fail('gone')
  fail('forbidden')
  deliver('{}')
  fail('forbidden')
  const said = (reason: string) => `limits cannot be read: those in force stay (${reason})`
  t.same(logged, [
    said('gone'),
    said('forbidden'),
    `limits in force: version ${versionOf('{}')}`,
    said('forbidden'),
  ])
  t.match(limits.stats(), { unreadable: 4, lastError: 'forbidden' })
})

test('a document that is in force already changes nothing: it clears the last failure', async (t) => {
  const { limits, documents, logged, deliver, fail } = live()
  await limits.start()
  fail('gone')
  deliver('{}')
  deliver('{}')
  t.equal(documents.length, 1)
  t.match(limits.stats(), { ok: 1, unreadable: 1, version: versionOf('{}'), lastError: null })
  const inForce = `limits in force: version ${versionOf('{}')}`
  t.same(logged, [inForce, 'limits cannot be read: those in force stay (gone)', inForce])
})

test('a source without a document leaves the limits of the code in force', async (t) => {
  const { limits, documents, first, stopped } = live()
  first.text = null
  await limits.start()
  t.same(documents, [])
  t.equal(limits.stats().version, null)
  limits.stop()
  t.equal(stopped(), 1)
})

test('a source that refused to start is not stopped: another app may use it', async (t) => {
  let stops = 0
  const source = { start: async () => Promise.reject(new Error('in use')), stop: () => void stops++ }
  const live = new LiveLimits(source, { put: () => {} }, { info: () => {}, error: () => {} })
  await t.rejects(live.start(), { message: 'in use' })
  live.stop()
  t.equal(stops, 0)
})

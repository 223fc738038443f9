import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, t, test } from 'tap'
import { versionOf } from '../../../../lib/limits/live.js'
import type { RateLimitStats } from '../../../../types/index.js'
import { type Server, startRedis } from '../../../fixtures/redis/server.js'
import type { Start } from './member.js'
import { Member } from './processes.js'

t.setTimeout(600_000)

const DOCUMENTS = 1000
/** Units that a request takes: laws with bursts from 100 to 1,100 then admit 2 to 22 requests. */
const COST = 50
const policy = (n: number) => ({ rate: n, burst: n, per: 'hour', cost: COST }) as const
const documentOf = (n: number) => JSON.stringify({ limiters: { default: policy(n) } })

/**
 * Four processes answer requests without a pause while 1,000 documents come, one by one, and each of the four
 * has put a document in force before the next one comes.
 */
async function changeUnderLoad(
  t: Test,
  server: Server,
  limits: NonNullable<Start['limits']>,
  write: (text: string) => Promise<unknown>,
) {
  await write(documentOf(100))
  const options = { ...policy(1), warnings: false, log: false } as const
  // No decision is made without the store because a machine is busy.
  const start = { port: server.port, options, limits, store: { lease: 20, timeout: 5000 } }
  const members = await Promise.all([1, 2, 3, 4].map(() => Member.start(t, start)))
  const ask = <T>(method: string, ...args: unknown[]) =>
    Promise.all(members.map((member) => member.ask<T>(null, method, ...args)))
  await ask('hammer')
  const change = async (from: number, to: number) => {
    for (let n = from; n <= to; n++) {
      // Some are not allowed, and change nothing.
      if (n % 100 === 0) await write(`{"limiters":{"default":{"rate":-${n}}}}`)
      const text = documentOf(100 + n)
      await write(text)
      await ask('versionIs', versionOf(text))
    }
  }
  await change(1, DOCUMENTS / 2)
  const before = await ask<number>('heap')
  await change(DOCUMENTS / 2 + 1, DOCUMENTS)
  const after = await ask<number>('heap')
  const admitted = new Map<number, number>()
  const wrong: string[] = []
  let denied = 0
  for (const seen of await ask<Record<string, number>>('rest'))
    for (const [what, count] of Object.entries(seen)) {
      const [status, limit] = what.split(' ').map(Number)
      if (![200, 429].includes(status) || !(limit >= 100 && limit <= 100 + DOCUMENTS)) wrong.push(what)
      if (status === 200) admitted.set(limit, (admitted.get(limit) ?? 0) + count)
      else denied += count
    }
  t.same(wrong, [])
  t.ok(denied > 0 && admitted.size > DOCUMENTS / 2, `${admitted.size} laws admitted, ${denied} denials`)
  // In so short a time no request's units come back.
  t.same(
    [...admitted].filter(([limit, count]) => count * COST > limit),
    [],
  )
  for (const [i, heap] of after.entries())
    t.ok(heap - before[i] < 10_000_000, `${heap - before[i]} bytes more`)
  for (const { limits } of await ask<RateLimitStats>('stats')) {
    t.match(limits, { ok: DOCUMENTS + 1, unreadable: 0, lastError: null })
    t.ok((limits?.invalid ?? 0) <= DOCUMENTS / 100)
  }
}

test('1,000 documents of a file, under load in four processes', async (t) => {
  const path = join(t.testdir(), 'limits.json')
  const write = async (text: string) => {
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  await changeUnderLoad(t, await startRedis(t), { file: path }, write)
})

test('1,000 documents of a Redis key, under load in four processes', async (t) => {
  const server = await startRedis(t)
  const write = (text: string) => server.command('SET', 'limits', text)
  await changeUnderLoad(t, server, { key: 'limits' }, write)
})

import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { PolicyOptions } from '../../../../types/index.js'
import { keysWithoutTtl } from '../../../fixtures/redis/monitor.js'
import { type Server, startRedis } from '../../../fixtures/redis/server.js'
import { freshPrefix } from '../support.js'
import type { Told } from './support/actor.js'
import { Actors } from './support/actors.js'

const BURST = 20
const BUCKET: PolicyOptions = { name: 'chaos', rate: 10, per: 'second', burst: BURST }
const WINDOW: PolicyOptions = { name: 'chaos', algorithm: 'sliding-window', rate: BURST, per: 'minute' }

/** When a block ends, between two instants, and how long it has left at most when it was told of first. */
interface End {
  low: number
  high: number
  longest: number
}

/** The instants between which the server's answer puts the end of the block. */
function endOf({ sent, received, retryAfter }: Told): End {
  return { low: sent + retryAfter - 1, high: received + retryAfter, longest: retryAfter }
}

/** The blocks, from what was told of their ends: answers about one block have an instant in common. */
function blocksOf(denials: readonly Told[]): End[] {
  const blocks: End[] = []
  for (const end of denials.map(endOf).sort((a, b) => a.low - b.low)) {
    const last = blocks.at(-1)
    if (last === undefined || end.low > last.high) blocks.push(end)
    else {
      last.low = Math.max(last.low, end.low)
      last.high = Math.min(last.high, end.high)
      last.longest = Math.max(last.longest, end.longest)
    }
  }
  return blocks
}

/** Calls that were allowed although a process had been told of a block before, which had not ended after. */
function allowedWhileBlocked(told: readonly Told[], denials: readonly Told[]): Told[] {
  const ends = denials.map(({ received, ...rest }) => ({ received, low: endOf({ received, ...rest }).low }))
  return told.filter(
    ({ allowed, sent, received }) => allowed && ends.some((end) => sent > end.received && received < end.low),
  )
}

/** Lets four processes ask. `denyCache` says whether two of them may remember denials. */
async function play(t: Test, server: Server, policy: PolicyOptions, denyCache: boolean) {
  const actors = new Actors(t)
  const part = { port: server.port, prefix: freshPrefix(), policy, loops: 4, works: false }
  await actors.play(denyCache ? part : { ...part, denyCache: 0 })
  await strike(actors)
  await actors.stop()
  const told = Array.from({ length: actors.count }, (_, nth) => actors.told<Told>(nth))
  const all = told.flat().sort((a, b) => a.sent - b.sent)
  t.same(
    all.filter(({ source }) => source !== 'store'),
    [],
    'the store answers all',
  )
  t.same(
    all.filter(({ allowed, blocked }) => !allowed && !blocked),
    [],
    'each denial says that the key is blocked',
  )
  t.same(await keysWithoutTtl(server), [])
  // What is remembered goes by a clock that is not the server's.
  const asked = denyCache ? [told[1], told[3]].flat() : all
  const denials = asked.filter(({ allowed }) => !allowed)
  return { all, denials, blocks: blocksOf(denials) }
}

/** Stops a process, for shorter than a block and for longer, and kills another. */
async function strike(actors: Actors): Promise<void> {
  await sleep(500)
  await actors.pause(1, 150)
  await Promise.all([actors.pause(3, 700), sleep(300).then(() => actors.kill(0))])
  await sleep(1000)
}

for (const policy of [BUCKET, WINDOW]) {
  const { algorithm = 'token-bucket' } = policy
  test(`over four processes a block begins once and ends on time: ${algorithm}`, async (t) => {
    const server = await startRedis(t)
    const block = 300
    const { all, denials, blocks } = await play(t, server, { ...policy, block }, true)
    t.same(allowedWhileBlocked(all, denials), [])
    t.ok(blocks.length >= 3, `${blocks.length} blocks`)
    for (const [i, { low, high, longest }] of blocks.entries()) {
      if (low > high) t.fail('answers about one block agree')
      if (longest > block) t.fail('nothing prolongs a block')
      const next = blocks[i + 1]
      // The next one begins when this one has ended, and the key was as new in between.
      if (next !== undefined && next.high < low + block) t.fail('a block begins while another lasts')
    }
    const admitted = all.filter(({ allowed }) => allowed).length
    t.ok(admitted >= BURST * (blocks.length - 1), `${admitted} admitted, ${BURST} before each block`)
  })
}

test('over four processes each block of a key is the next one: no offence is counted twice', async (t) => {
  const server = await startRedis(t)
  const block = { for: 50, factor: 2, max: 800, forget: '1 hour' } as const
  const { all, denials, blocks } = await play(t, server, { ...BUCKET, block }, false)
  t.same(allowedWhileBlocked(all, denials), [])
  t.ok(blocks.length >= 4, `${blocks.length} blocks`)
  for (const [i, { longest, low }] of blocks.entries()) {
    const length = Math.min(50 * 2 ** i, 800)
    if (longest > length) t.fail(`block ${i} lasts ${longest} ms, and not ${length}`)
    const next = blocks[i + 1]
    if (next !== undefined && next.high < low + Math.min(2 * length, 800))
      t.fail(`block ${i} is followed too soon`)
  }
})

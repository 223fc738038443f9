import { setTimeout as sleep } from 'node:timers/promises'
import type { Line } from '../../../../fixtures/redis/proxy.js'

/** Milliseconds between two losses. */
const EVERY = 200

/**
 * Ends the connection of a call of the store after the server has run it, on every proxy, so many times; at
 * first with none of the reply having passed, then with ever more of it.
 */
export async function dropAgainAndAgain(proxies: readonly Line[], times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    for (const proxy of proxies) proxy.dropMidReply({ match: '{', afterBytes: i }).catch(() => {})
    await sleep(EVERY)
  }
}

/**
 * Ends, for one store after the other, the connection of a call after the server has run it: the next call in
 * which its prefix is named. A store that asks nothing meanwhile is left out.
 */
export async function dropEach(proxies: readonly Line[], prefixes: readonly string[]): Promise<void> {
  for (const prefix of prefixes) {
    const drops = proxies.map((proxy) => proxy.dropMidReply({ match: `${prefix}:` }))
    await Promise.race([...drops, sleep(2 * EVERY)])
  }
}

/** Lets nothing pass for a while, and then loses what was held up. */
export async function swallow(proxies: readonly Line[], ms: number): Promise<void> {
  for (const proxy of proxies) proxy.blackhole()
  await sleep(ms)
  for (const proxy of proxies) proxy.cut()
  for (const proxy of proxies) proxy.open()
}

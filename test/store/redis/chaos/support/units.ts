import type { Server } from '../../../../fixtures/redis/server.js'

/** A unit of it lasts for an hour, so that what a key was charged can be read off at leisure. */
export const HOURLY = { rate: 1, per: 'hour', burst: 100 } as const
const HOUR = 3_600_000_000

/** How many units of `HOURLY` each key was charged within the last minutes, by its name. */
export async function unitsOf(servers: readonly Server[]): Promise<Map<string, number>> {
  const units = new Map<string, number>()
  for (const server of servers) {
    const names = (await server.command('KEYS', '*')) as string[]
    if (names.length === 0) continue
    const now = Date.now() * 1000
    const tats = await Promise.all(names.map((name) => server.command('GET', name)))
    for (const [i, name] of names.entries())
      units.set(name, Math.ceil((parseInt(String(tats[i]), 10) - now) / HOUR))
  }
  return units
}

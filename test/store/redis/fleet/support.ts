import { setImmediate } from 'node:timers/promises'
import type { Test } from 'tap'
import { RedisFleet } from '../../../../lib/store/redis/fleet/fleet.js'
import { connect, type RedisClient } from '../../../../lib/store/redis/index.js'
import type { FleetMember, FleetNews, FleetSeat } from '../../../../types/index.js'
import { clients, type Flavour, type Target } from '../../../fixtures/redis/clients.js'
import { startRedis } from '../../../fixtures/redis/server.js'

/** Timers that fire when a test says so. */
export class Hand {
  #listener: (() => void) | null = null
  /** Milliseconds of the last timer. */
  ms = 0

  readonly after = (ms: number, listener: () => void) => {
    this.#listener = listener
    this.ms = ms
    return () => {
      this.#listener = null
    }
  }

  get isArmed(): boolean {
    return this.#listener !== null
  }

  fire(): void {
    const listener = this.#listener
    this.#listener = null
    listener?.()
  }

  /** Fires the timer, and resolves when the next one is set. */
  async tick(): Promise<void> {
    this.fire()
    while (this.#listener === null) await setImmediate()
  }
}

/** A registration that writes down what it hears. */
export class Listener implements FleetMember {
  losses = 0
  readonly changes: string[] = []
  readonly notes: string[] = []
  readonly failures: (string | null)[] = []
  readonly ages: number[] = []
  reports = 0

  hear({ changes, notes }: FleetNews): void {
    for (const { before, after } of changes) this.changes.push(`${before} > ${after}`)
    for (const { text, age } of notes) {
      this.notes.push(text)
      this.ages.push(age)
    }
  }

  report(): string {
    this.reports++
    return `report ${this.reports}`
  }

  onLoss(): void {
    this.losses++
  }

  onFailure(error: Error | null): void {
    this.failures.push(error?.message ?? null)
  }

  /** What came since the last call. */
  news(): { changes: string[]; notes: string[] } {
    return { changes: this.changes.splice(0), notes: this.notes.splice(0) }
  }
}

export interface Joined {
  fleet: RedisFleet
  hand: Hand
  seat: FleetSeat
  member: Listener
  /** Names that it forgot, `*` for all. */
  forgot: string[]
  client: RedisClient
  put(subject: string, text: string | null, note?: string, until?: number): void
}

/** A process of the fleet of a server, or of a Cluster of such nodes. It exchanges when a test says so. */
export async function join(
  t: Pick<Test, 'teardown'>,
  target: Target | readonly Target[],
  {
    prefix = 'fleet',
    secret,
    flavour = clients[0],
    start = true,
    options = {},
  }: { prefix?: string; secret?: string; flavour?: Flavour; start?: boolean; options?: object } = {},
): Promise<Joined> {
  const nodes = Array.isArray(target) ? (target as readonly Target[]) : null
  const { client, close } = nodes
    ? await flavour.cluster(nodes)
    : await flavour.single(target as Target, { options })
  t.teardown(close)
  const [hand, member] = [new Hand(), new Listener()]
  const forgot: string[] = []
  const parts = {
    ...{ connection: connect(client as RedisClient), prefix, secret },
    forget: (names: readonly string[]) => void forgot.push(...names),
    forgetAll: () => void forgot.push('*'),
  }
  const fleet = new RedisFleet(parts, hand.after)
  const seat = fleet.join(member)
  if (start) await seat.start()
  const put: Joined['put'] = (subject, text, note = 'note', until = Number.POSITIVE_INFINITY) =>
    seat.put(subject, text, note, until)
  return { fleet, hand, seat, member, forgot, client: client as RedisClient, put }
}

/** Two processes of the fleet of a server of their own. */
export async function pair(t: Pick<Test, 'teardown'>) {
  const server = await startRedis(t)
  const [one, two] = [await join(t, server), await join(t, server)]
  return { server, one, two }
}

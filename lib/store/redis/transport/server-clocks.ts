/**
 * What the clocks of servers show, as far as their replies tell; one for each shard. The script of a call ran
 * between its sending and its reply, so each reply bounds what its clock is ahead of ours. We keep the least
 * that is possible: a deadline in the server's time comes too soon rather than too late. Where a reply says
 * that a clock is no longer where we thought, we believe the reply.
 */
export class ServerClocks {
  /** Microseconds that the clock of a shard's server is ahead of ours. */
  readonly #ahead = new Map<number, number>()
  readonly #guess: () => number

  /** `guess`: microseconds that a clock is likely to be ahead, until its first reply. */
  constructor(guess: () => number) {
    this.#guess = guess
  }

  /** What the clock of a shard's server shows at a local time, in whole microseconds. */
  at(shard: number, local: number): number {
    return local + (this.#ahead.get(shard) ?? this.#guess())
  }

  /** A script said that it ran at `now` of its server; it was sent and answered at those local times. */
  learn(shard: number, now: number, sentAt: number, answeredAt: number): void {
    const known = this.#ahead.get(shard)
    const [least, most] = [now - answeredAt, now - sentAt]
    if (known === undefined || known < least || known > most) this.#ahead.set(shard, least)
  }
}

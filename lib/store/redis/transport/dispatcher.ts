import { after, wallMicros } from '../../clock.js'
import type { Connection, ScriptVerb } from '../clients/connection.js'
import { NoReply, storeFailure } from '../errors.js'
import { SCRIPT, SCRIPT_SHA } from '../lua/script.js'
import { type Batch, batchesOf } from './batch.js'
import { CallStats } from './call-stats.js'
import type { Call } from './calls.js'
import type { Circuits } from './circuit.js'
import type { InFlight } from './in-flight.js'
import { Reply } from './reply.js'
import { ServerClocks } from './server-clocks.js'
import { traced } from './trace.js'

export interface DispatcherParts {
  readonly connection: Connection
  readonly circuits: Circuits
  /** Longest wait for a reply, in ms. */
  readonly timeout: number
  /** Local time in whole microseconds. */
  readonly clock: () => number
  /** Called once, at the first reply. */
  readonly onFirstReply: () => void
  /** In tests: the time that the script uses instead of the server's. */
  readonly serverTime: (() => number) | null
}

/**
 * Carries calls to Redis: those of one turn of the event loop together, for each shard in as few script calls
 * as hold them. What may have run is never sent twice; what surely did not run, because the server did not
 * know the script or its clock is not where we thought, is sent once more. What reaches the server after it
 * was given up does nothing.
 */
export class Dispatcher {
  readonly #parts: DispatcherParts
  /**
   * The calls of this turn, for each shard. A new map each turn, and a list of batches in flight: see
   * `isOver`.
   */
  #waiting = new Map<number, Call[]>()
  readonly #inFlight: InFlight[] = []
  readonly stats = new CallStats()
  readonly #serverClocks: ServerClocks
  #stopTimer: (() => void) | null = null
  #stopWatching: (() => void) | null = null
  #onFirstReply: (() => void) | null
  /** Called when nothing is under way any more. */
  #onIdle: (() => void)[] = []

  constructor(parts: DispatcherParts) {
    this.#parts = parts
    const { clock, serverTime } = parts
    this.#serverClocks = new ServerClocks(() => (serverTime ?? wallMicros)() - clock())
    this.#onFirstReply = parts.onFirstReply
    this.#watchConnection()
  }

  send(shard: number, call: Call): void {
    if (this.#waiting.size === 0) setImmediate(() => this.#flush())
    const calls = this.#waiting.get(shard)
    if (calls === undefined) this.#waiting.set(shard, [call])
    else calls.push(call)
  }

  /** Lets go of the client until the next call, once all that is under way has been answered or given up. */
  async drain(): Promise<void> {
    if (!this.#isIdle) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
    this.#stopWatching?.()
    this.#stopWatching = null
    this.#stopTimer?.()
    this.#stopTimer = null
  }

  get #isIdle(): boolean {
    return this.#inFlight.length + this.#waiting.size === 0
  }

  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = new Map()
    for (const [shard, calls] of waiting) for (const batch of batchesOf(calls)) this.#dispatch(shard, batch)
  }

  #dispatch(shard: number, batch: Batch): void {
    const { clock, serverTime } = this.#parts
    const sentAt = clock()
    const { keys, args } = batch.compose(serverTime === null ? 0 : serverTime())
    const sent: InFlight = {
      shard,
      batch,
      keys,
      args: [this.#deadline(shard, sentAt), ...args],
      sentAt,
      run: null,
      wasSentAgain: false,
      isOver: false,
      endTrace: null,
    }
    traced(shard, keys.length, (endTrace) => {
      sent.endTrace = endTrace
      this.#begin(sent)
    })
  }

  #begin(sent: InFlight): void {
    const { connection, circuits } = this.#parts
    this.#inFlight.push(sent)
    circuits.of(sent.shard).sending(sent.sentAt)
    this.#watchConnection()
    const obstacle = connection.obstacle()
    if (obstacle !== null) return this.#fail(sent, new NoReply(obstacle))
    this.#startTimer(this.#parts.timeout)
    this.#run(sent, 'evalsha')
  }

  #run(sent: InFlight, verb: ScriptVerb): void {
    const script = verb === 'eval' ? SCRIPT : SCRIPT_SHA
    try {
      sent.run = this.#parts.connection.run(verb, script, sent.keys, sent.args)
    } catch (error) {
      return this.#fail(sent, error as Error)
    }
    sent.run.reply.then(
      (reply) => this.#onReply(sent, reply),
      (error: Error) => {
        // The server does not know the script, so it surely did not run.
        const unknown = verb === 'evalsha' && /^NOSCRIPT/.test(error.message)
        if (unknown && !sent.isOver) this.#run(sent, 'eval')
        else this.#fail(sent, error)
      },
    )
  }

  #onReply(sent: InFlight, numbers: unknown): void {
    if (!Array.isArray(numbers) || numbers.length === 0) {
      // An empty reply: the client wrote the call after it was cancelled; it may have run before.
      const isQueued = numbers === 'QUEUED'
      return this.#fail(
        sent,
        new NoReply(isQueued ? 'the connection is inside a MULTI' : 'a connection was lost'),
      )
    }
    const { shard, sentAt } = sent
    const { circuits, clock } = this.#parts
    const now = Number(numbers[0])
    this.#serverClocks.learn(shard, Math.abs(now), sentAt, clock())
    if (sent.isOver) return
    if (now < 0) return this.#sendAgain(sent)
    this.#finish(sent, null)
    sent.batch.readReply(new Reply(numbers, sentAt))
    circuits.of(shard).succeeded(sentAt)
    this.#onFirstReply?.()
    this.#onFirstReply = null
  }

  /**
   * By the server's clock it was given up when it arrived, and did nothing. If it was not, that clock is
   * known now.
   */
  #sendAgain(sent: InFlight): void {
    const { clock, timeout } = this.#parts
    if (sent.wasSentAgain || clock() - sent.sentAt >= timeout * 1000)
      return this.#fail(sent, new NoReply('it was reached too late'))
    sent.wasSentAgain = true
    sent.args[0] = this.#deadline(sent.shard, sent.sentAt)
    this.#run(sent, 'evalsha')
  }

  /** The latest instant of the server's clock at which a call still counts that was sent at a local time. */
  #deadline(shard: number, sentAt: number): string {
    return String(this.#serverClocks.at(shard, sentAt + this.#parts.timeout * 1000))
  }

  #fail(sent: InFlight, cause: Error): void {
    if (sent.isOver) return
    const { circuits, clock, connection } = this.#parts
    const error = storeFailure(connection.lastError() ?? cause)
    this.#finish(sent, error)
    sent.run?.cancel()
    if (/^READONLY/.test(cause.message)) connection.reconnect()
    sent.batch.fail(error)
    circuits.of(sent.shard).failed(sent.sentAt, clock(), error)
  }

  /**
   * Until `drain`: from the first moment on, since a client that cannot connect emits errors before it is
   * asked for anything.
   */
  #watchConnection(): void {
    this.#stopWatching ??= this.#parts.connection.watch((all) => this.#onConnectionLost(all))
  }

  #onConnectionLost(all: boolean): void {
    for (const sent of [...this.#inFlight]) {
      sent.run?.cancel()
      if (all) this.#fail(sent, new NoReply('the connection was lost'))
    }
  }

  /** Ends the wait for a batch that is in flight. */
  #finish(sent: InFlight, error: Error | null): void {
    sent.isOver = true
    this.stats.count(this.#parts.clock() - sent.sentAt, error !== null)
    sent.endTrace?.(error)
    this.#inFlight.splice(this.#inFlight.indexOf(sent), 1)
    if (this.#isIdle) for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  /**
   * One timer serves all batches in flight, because they are answered in their order. A loop that was busy
   * for long finds the reply that came meanwhile after its timers, so it looks once more before it gives up.
   */
  #startTimer(ms: number): void {
    this.#stopTimer ??= after(ms, () =>
      setImmediate(() => {
        this.#stopTimer = null
        this.#expire()
      }),
    )
  }

  #expire(): void {
    const { timeout, clock } = this.#parts
    const now = clock()
    for (const sent of [...this.#inFlight]) {
      const left = timeout - (now - sent.sentAt) / 1000
      if (left > 0) return this.#startTimer(Math.ceil(left))
      this.#fail(sent, new NoReply(`no reply within ${timeout} ms`))
    }
  }
}

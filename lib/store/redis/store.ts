import type { AsyncStore, AsyncStoreStats, Bucket, Charge, Policy, StoreState } from '../../../types/index.js'
import { monotonicMicros, systemClock } from '../clock.js'
import { Buckets, type RedisBucket } from './buckets.js'
import { connect } from './clients/connect.js'
import type { Connection } from './clients/connection.js'
import { EvictionCheck } from './clients/eviction-check.js'
import { digestWith } from './digest.js'
import { circuitOpen } from './errors.js'
import { RedisFleet } from './fleet/fleet.js'
import { Names, type RedisKey } from './keys.js'
import { DenyCache } from './local/deny-cache.js'
import { Fallback, IN_FORCE } from './local/fallback.js'
import type { Lease } from './local/lease.js'
import { Leases } from './local/leases.js'
import { type RedisStoreOptions, readOptions, type TestClocks } from './options.js'
import { Blocks } from './transport/blocks.js'
import { type CallContext, DecisionCall } from './transport/calls.js'
import { Circuits } from './transport/circuit.js'
import { type Deciding, decideAcrossShards, type KeyedCharges } from './transport/cross-shard.js'
import { Dispatcher } from './transport/dispatcher.js'
import { KeyChanges } from './transport/key-changes.js'
import { LeaseCalls } from './transport/lease-calls.js'

/**
 * State in Redis or Valkey, shared by all processes that use the same prefix. One script call decides about
 * all charges of a request, at one instant of the server's clock.
 */
export class RedisStore implements AsyncStore {
  readonly sync = false
  readonly kind = 'redis'
  readonly #connection: Connection
  readonly #names: Names
  readonly #buckets: Buckets
  readonly #fallback: Fallback
  readonly #circuits: Circuits
  readonly #denyCache: DenyCache
  readonly #leases: Leases | null
  readonly #leaseCalls: LeaseCalls | null
  readonly #context: CallContext
  /** The context of a part of a call over several shards: its failure fails the whole call. */
  readonly #partContext: CallContext
  readonly #dispatcher: Dispatcher
  readonly #blocks: Blocks
  readonly #changes: KeyChanges
  readonly #eviction = new EvictionCheck()
  readonly fleet: RedisFleet
  readonly onWarning = this.#eviction.onWarning
  readonly onCall = (listener: (seconds: number) => void) => this.#dispatcher.stats.listen(listener)
  readonly #clock: () => number

  constructor(options: RedisStoreOptions, clocks: TestClocks | null = null) {
    const { client, prefix, secret, timeout, onStoreFailure, instances, lease, denyCache, shards } =
      readOptions(options)
    const connection = connect(client)
    this.#connection = connection
    this.#names = new Names(prefix, shards, connection.isCluster, digestWith(secret))
    this.#fallback = new Fallback(onStoreFailure, instances)
    this.#buckets = new Buckets(prefix, (policy, space) => this.#fallback.open(policy, space))
    this.#circuits = new Circuits(IN_FORCE[onStoreFailure])
    this.#denyCache = new DenyCache(denyCache)
    this.#leases = lease > 1 ? new Leases(lease) : null
    const askAgain = (call: DecisionCall) => this.#leaseCalls?.askAgain(call) === true
    const beginBlocks = (call: DecisionCall, done: () => void) => this.#blocks.begin(call, done)
    const context = { denyCache: this.#denyCache, leases: this.#leases, askAgain, beginBlocks }
    this.#context = { ...context, fallback: this.#fallback }
    this.#partContext = { ...context, beginBlocks: null, fallback: null }
    this.#clock = clocks === null ? monotonicMicros(systemClock) : clocks.local
    const [clock, circuits, serverTime] = [this.#clock, this.#circuits, clocks?.server ?? null]
    const onFirstReply = () => this.#eviction.run(connection)
    const dispatcher = new Dispatcher({ connection, circuits, timeout, clock, onFirstReply, serverTime })
    this.#dispatcher = dispatcher
    this.#blocks = new Blocks({ denyCache: this.#denyCache, dispatcher })
    this.#changes = new KeyChanges({
      ...{ denyCache: this.#denyCache, leases: this.#leases, dispatcher, blocks: this.#blocks },
      admits: (keys) => this.#admits(keys, clock()),
      onFreed: (name) => this.fleet.free(name),
    })
    const leases = this.#leases
    this.#leaseCalls =
      leases && new LeaseCalls({ leases, context: this.#context, dispatcher, circuits, clock })
    const forget = (names: readonly string[]) => this.#changes.forget(names)
    const forgetAll = () => {
      this.#leaseCalls?.clear()
      this.#denyCache.clear()
    }
    this.fleet = new RedisFleet({ connection, prefix, secret, forget, forgetAll })
  }

  get state(): StoreState {
    return this.#circuits.state
  }

  open(policy: Policy, space: string | RedisBucket): RedisBucket {
    return this.#buckets.open(policy, space)
  }

  take(charges: readonly Charge[]): boolean | Promise<boolean> {
    if (charges.length > 1) return this.#take(charges, this.#keysOf(charges), this.#clock(), null)
    const [charge] = charges
    const bucket = charge.bucket as RedisBucket
    const redisKey = this.#names.keyOf(bucket, charge.key)
    const now = this.#clock()
    const leases = bucket.leases ? this.#leases : null
    const lease = leases?.of(redisKey)
    if (lease !== undefined && leases?.spend(charge, lease, now)) {
      if (leases.isLow(lease)) this.#leaseCalls?.renew(lease, now)
      return true
    }
    return this.#take(charges, [redisKey], now, leases)
  }

  /** Takes what no lease covers. `leases`: where more may be leased. */
  #take(
    charges: readonly Charge[],
    keys: readonly RedisKey[],
    now: number,
    leases: Leases | null,
  ): boolean | Promise<boolean> {
    if (this.#denyCache.deny(charges, keys, now)) {
      this.#denyCache.note(charges, keys)
      return false
    }
    if (!this.#admits(keys, now)) return this.#decideHere('take', charges)
    // After this take the state that we remember is out of date.
    this.#denyCache.forget(keys)
    this.#leaseCalls?.release(keys, now)
    const lease = leases?.toFill(charges[0], keys[0], now) ?? null
    if (lease !== null) this.#leaseCalls?.watch()
    return this.#decide('take', { charges, keys }, lease)
  }

  peek(charges: readonly Charge[]): boolean | Promise<boolean> {
    const keys = this.#keysOf(charges)
    const now = this.#clock()
    const lease = charges.length === 1 ? this.#leases?.of(keys[0]) : undefined
    if (lease !== undefined && this.#leases?.covers(charges[0], lease, now)) return true
    if (this.#denyCache.deny(charges, keys, now)) return false
    if (!this.#admits(keys, now)) return this.#decideHere('peek', charges)
    this.#leaseCalls?.release(keys, now)
    return this.#decide('peek', { charges, keys }, null)
  }

  /** Gives units back. Units that the store does not take back now come back with time. */
  async refund(charges: readonly Charge[]): Promise<void> {
    const pending = charges.map((charge) => {
      if (charge.cost === 0 || charge.source === 'none') return undefined
      // A refund that names no charge may be of units that either of the two charged.
      if (charge.source === 'local' || charge.chargedAt === Number.POSITIVE_INFINITY)
        this.#fallback.refund([charge])
      if (charge.source === 'local') return undefined
      const keys = this.#keysOf([charge])
      this.#denyCache.lift(keys)
      if (this.#leases?.giveBack(charge, keys[0], this.#clock())) return undefined
      return this.#changes.refund({ charges: [charge], keys }).catch(() => {})
    })
    await Promise.all(pending)
  }

  /** Rejects where the store does not answer, whatever `onStoreFailure` says. */
  async reset(charges: readonly Charge[]): Promise<void> {
    this.#fallback.reset(charges)
    await Promise.all(
      charges.map((charge) => this.#changes.reset({ charges: [charge], keys: this.#keysOf([charge]) })),
    )
  }

  /** Rejects as `reset` does. */
  async block(charges: readonly Charge[], ms: number): Promise<void> {
    this.#fallback.block(charges, ms)
    await Promise.all(this.#keysOf(charges).map((redisKey) => this.#changes.block(redisKey, ms)))
  }

  stats(): AsyncStoreStats {
    return { ...this.#dispatcher.stats.read(), local: this.#fallback.decisions }
  }

  storeKey(bucket: Bucket, key: string): string {
    return this.#connection.keyPrefix + this.#names.keyOf(bucket as RedisBucket, key).name
  }

  onStateChange(listener: (state: StoreState, error?: Error) => void): () => void {
    return this.#circuits.onStateChange(listener)
  }

  async close(): Promise<void> {
    await this.fleet.close()
    // Nobody waits for renewals, whose units go back as well.
    await this.#dispatcher.drain()
    this.#leaseCalls?.close()
    await this.#dispatcher.drain()
  }

  /** The Redis keys of charges. */
  #keysOf(charges: readonly Charge[]): readonly RedisKey[] {
    const names = this.#names
    // Most calls are about one charge, and an array literal is the cheapest list.
    if (charges.length === 1) return [names.keyOf(charges[0].bucket as RedisBucket, charges[0].key)]
    return charges.map(({ bucket, key }) => names.keyOf(bucket as RedisBucket, key))
  }

  #admits(keys: readonly RedisKey[], now: number): boolean {
    for (const { shard } of keys) if (!this.#circuits.of(shard).admits(now)) return false
    return true
  }

  /** Answers without the store. Rejects where `onStoreFailure` is 'deny'. */
  #decideHere(verb: 'take' | 'peek', charges: readonly Charge[]): boolean | Promise<boolean> {
    try {
      return this.#fallback.decide(verb, charges, circuitOpen)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Asks the store. The fallback answers where it does not. */
  #decide(verb: Deciding, keyed: KeyedCharges, lease: Lease | null): Promise<boolean> {
    const { keys } = keyed
    if (keys.length > 1 && keys.some(({ shard }) => shard !== keys[0].shard)) {
      return decideAcrossShards(verb, keyed, {
        decide: (verb, part) => this.#send(this.#partContext, verb, part, null),
        refund: (part) => this.#changes.refund(part),
        onDenied: () => {
          this.#denyCache.note(keyed.charges, keys)
          return new Promise((resolve) => this.#blocks.begin(keyed, resolve))
        },
      }).catch((error) => this.#fallback.decide(verb, keyed.charges, () => error))
    }
    return this.#send(this.#context, verb, keyed, lease)
  }

  #send(context: CallContext, verb: Deciding, keyed: KeyedCharges, lease: Lease | null): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const call = new DecisionCall(context, verb, keyed, lease, resolve, reject)
      this.#dispatcher.send(keyed.keys[0].shard, call)
    })
  }
}

/**
 * A store in Redis or Valkey, shared by all processes that use the same `prefix`. Throws
 * `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION` for options that are not allowed.
 *
 * @example
 * ```js
 * const store = redisStore({ client: new Redis('redis://127.0.0.1:6379') })
 * ```
 */
export function redisStore(options: RedisStoreOptions): AsyncStore {
  return new RedisStore(options)
}

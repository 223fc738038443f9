import type { AsyncStore, Bucket, Charge, Policy, StoreState } from '../../../types/index.js'
import { type CompiledPolicy, invalidOption } from '../../policy/index.js'
import { monotonicMicros, systemClock } from '../clock.js'
import { connect } from './clients/connect.js'
import type { Connection } from './clients/connection.js'
import { EvictionCheck } from './clients/eviction-check.js'
import { digestWith } from './digest.js'
import { circuitOpen } from './errors.js'
import { Names, numbersOf, type RedisBucket, type RedisKey } from './keys.js'
import { DenyCache } from './local/deny-cache.js'
import { Fallback, IN_FORCE } from './local/fallback.js'
import type { Lease } from './local/lease.js'
import { Leases } from './local/leases.js'
import { type RedisStoreOptions, readOptions, type TestClocks } from './options.js'
import { type CallContext, DecisionCall, UpdateCall } from './transport/calls.js'
import { Circuits } from './transport/circuit.js'
import { type Deciding, decideAcrossShards, type KeyedCharges } from './transport/cross-shard.js'
import { Dispatcher } from './transport/dispatcher.js'
import { LeaseCalls } from './transport/lease-calls.js'

/**
 * State in Redis or Valkey, shared by all processes that use the same prefix. One script call decides about
 * all charges of a request, at one instant of the server's clock.
 */
export class RedisStore implements AsyncStore {
  readonly sync = false
  readonly #connection: Connection
  readonly #names: Names
  readonly #fallback: Fallback
  readonly #circuits: Circuits
  readonly #denyCache: DenyCache
  readonly #leases: Leases | null
  readonly #leaseCalls: LeaseCalls | null
  readonly #context: CallContext
  /** The context of a part of a call over several shards: its failure fails the whole call. */
  readonly #partContext: CallContext
  readonly #dispatcher: Dispatcher
  readonly #eviction = new EvictionCheck()
  readonly onWarning = this.#eviction.onWarning
  readonly #clock: () => number
  #opened = 0

  constructor(options: RedisStoreOptions, clocks: TestClocks | null = null) {
    const { client, prefix, secret, timeout, onStoreFailure, instances, lease, denyCache, shards } =
      readOptions(options)
    const connection = connect(client)
    this.#connection = connection
    this.#names = new Names(prefix, shards, connection.isCluster, digestWith(secret))
    this.#fallback = new Fallback(onStoreFailure, instances)
    this.#circuits = new Circuits(IN_FORCE[onStoreFailure])
    this.#denyCache = new DenyCache(denyCache)
    this.#leases = lease > 1 ? new Leases(lease) : null
    const askAgain = (call: DecisionCall) => this.#leaseCalls?.askAgain(call) === true
    this.#context = { denyCache: this.#denyCache, leases: this.#leases, askAgain, fallback: this.#fallback }
    this.#partContext = { ...this.#context, fallback: null }
    this.#clock = clocks === null ? monotonicMicros(systemClock) : clocks.local
    const [clock, circuits, serverTime] = [this.#clock, this.#circuits, clocks?.server ?? null]
    const onFirstReply = () => this.#eviction.run(connection)
    const dispatcher = new Dispatcher({ connection, circuits, timeout, clock, onFirstReply, serverTime })
    this.#dispatcher = dispatcher
    const [leases, context] = [this.#leases, this.#context]
    this.#leaseCalls = leases && new LeaseCalls({ leases, context, dispatcher, circuits, clock })
  }

  get state(): StoreState {
    return this.#circuits.state
  }

  open(policy: Policy, space: string): RedisBucket {
    if (!('law' in policy)) throw invalidOption('policy', policy, 'one that a limiter has compiled')
    const compiled = policy as CompiledPolicy
    const stem = this.#names.stem(compiled, space)
    return {
      policy: compiled,
      id: this.#opened++,
      law: numbersOf(compiled.law),
      stem,
      head: this.#names.head(0, stem),
      local: this.#fallback.open(compiled, space),
    }
  }

  take(charges: readonly Charge[]): boolean | Promise<boolean> {
    if (charges.length > 1) return this.#take(charges, this.#keysOf(charges), this.#clock(), null)
    const [charge] = charges
    const { policy } = charge.bucket
    const redisKey = this.#names.keyOf(charge.bucket as RedisBucket, charge.key)
    const now = this.#clock()
    // A window is exact to the instant.
    const leases = policy.algorithm === 'token-bucket' ? this.#leases : null
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
    if (this.#denyCache.deny(charges, keys, now)) return false
    if (!this.#admits(keys, now)) return this.#decideHere('take', charges)
    // After this take the state that we remember is out of date.
    this.#denyCache.lift(keys)
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
      return this.#update('refund', { charges: [charge], keys }).catch(() => {})
    })
    await Promise.all(pending)
  }

  /** Rejects where the store does not answer, whatever `onStoreFailure` says. */
  async reset(charges: readonly Charge[]): Promise<void> {
    this.#fallback.reset(charges)
    const pending = charges.map((charge) => {
      const keys = this.#keysOf([charge])
      this.#leases?.drop(keys[0])
      this.#denyCache.lift(keys)
      return this.#update('reset', { charges: [charge], keys })
    })
    await Promise.all(pending)
  }

  storeKey(bucket: Bucket, key: string): string {
    return this.#connection.keyPrefix + this.#names.keyOf(bucket as RedisBucket, key).name
  }

  onStateChange(listener: (state: StoreState, error?: Error) => void): () => void {
    return this.#circuits.onStateChange(listener)
  }

  async close(): Promise<void> {
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
        refund: (part) => this.#update('refund', part),
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

  /** Sends a refund or a reset. */
  #update(verb: 'refund' | 'reset', keyed: KeyedCharges): Promise<void> {
    const { keys } = keyed
    if (!this.#admits(keys, this.#clock())) return Promise.reject(circuitOpen())
    return new Promise((resolve, reject) => {
      this.#dispatcher.send(keys[0].shard, new UpdateCall(this.#denyCache, verb, keyed, resolve, reject))
    })
  }
}

/**
 * A store in Redis or Valkey, shared by all processes that use the same `prefix`. Throws
 * `FST_FLOODGATE_OPTION` for options that are not allowed.
 *
 *     const store = redisStore({ client: new Redis('redis://127.0.0.1:6379') })
 */
export function redisStore(options: RedisStoreOptions): AsyncStore {
  return new RedisStore(options)
}

import type { AsyncStore, Bucket, Charge, Policy, StoreState } from '../../../types/index.js'
import { type CompiledPolicy, invalidOption } from '../../policy/index.js'
import { after, monotonicMicros, systemClock } from '../clock.js'
import { type Asked, askApart, type Deciding } from './apart.js'
import type { Reply } from './batch.js'
import { Circuits } from './circuit.js'
import { connect } from './client.js'
import type { Connection } from './connection.js'
import { Courier } from './courier.js'
import { Denials } from './denials.js'
import { storeFailure, Unanswered } from './errors.js'
import { Fallback } from './fallback.js'
import { type Lease, Leases } from './leases.js'
import { Names, numbersOf, type RedisBucket } from './names.js'
import { type RedisStoreOptions, readOptions } from './options.js'
import { type Known, readVerdicts } from './verdicts.js'

/** How often unspent leases are looked for, in ms. */
const LEASE_CHECK = 500

type Done = (allowed: boolean) => void

/** The clocks of tests: the store's time on this side, and the time that the script shall go by, both in µs. */
export interface TestClocks {
  readonly local: () => number
  readonly server: () => number
}

/**
 * State in Redis or Valkey, shared by all processes that use the same prefix. Whatever a request is charged for is decided by
 * one script call at one instant of the server's clock.
 */
export class RedisStore implements AsyncStore {
  readonly sync = false
  readonly #connection: Connection
  readonly #names: Names
  readonly #fallback: Fallback
  readonly #circuits = new Circuits()
  readonly #denials: Denials
  readonly #leases: Leases | null
  readonly #courier: Courier
  readonly #clock: () => number
  #opened = 0
  #stopLeaseCheck: (() => void) | null = null

  constructor(options: RedisStoreOptions, clocks: TestClocks | null = null) {
    const { client, prefix, timeout, onStoreFailure, instances, lease, denyCache, shards } =
      readOptions(options)
    const connection = connect(client)
    this.#connection = connection
    this.#names = new Names(prefix, shards)
    this.#fallback = new Fallback(onStoreFailure, instances)
    this.#denials = new Denials(denyCache)
    this.#leases = lease > 1 ? new Leases(lease) : null
    this.#clock = clocks === null ? monotonicMicros(systemClock) : clocks.local
    const [clock, circuits, serverTime] = [this.#clock, this.#circuits, clocks?.server ?? null]
    this.#courier = new Courier({ connection, circuits, timeout, clock, serverTime })
  }

  get state(): StoreState {
    return this.#circuits.state
  }

  open(policy: Policy, space: string): RedisBucket {
    if (!('law' in policy)) throw invalidOption('policy', policy, 'one that a limiter has compiled')
    const compiled = policy as CompiledPolicy
    return {
      policy: compiled,
      id: this.#opened++,
      law: numbersOf(compiled.law),
      stem: this.#names.stem(compiled, space),
      local: this.#fallback.open(compiled, space),
    }
  }

  take(charges: readonly Charge[]): boolean | Promise<boolean> {
    const asked = this.#address(charges)
    const now = this.#clock()
    const leases = charges.length === 1 && 'burst' in asked.buckets[0].policy.law ? this.#leases : null
    if (leases?.spend(charges[0], asked.names[0], now)) return true
    if (this.#denials.deny(charges, asked.names, now)) return false
    if (!this.#admits(asked, now)) return this.#decideHere('take', charges)
    // What was known of a key is not what it will be.
    this.#denials.lift(asked.names)
    const lease = leases?.toFill(charges[0], asked.names[0], now) ?? null
    if (lease !== null) return this.#decide('lease', asked, lease)
    return this.#decide('take', asked)
  }

  peek(charges: readonly Charge[]): boolean | Promise<boolean> {
    const asked = this.#address(charges)
    const now = this.#clock()
    if (this.#denials.deny(charges, asked.names, now)) return false
    if (!this.#admits(asked, now)) return this.#decideHere('peek', charges)
    return this.#decide('peek', asked)
  }

  /** What was charged here goes back here. What the store does not take back now comes back by itself. */
  async refund(charges: readonly Charge[]): Promise<void> {
    const pending = charges.map((charge) => {
      if (charge.cost === 0 || charge.source === 'none') return undefined
      // Where it is not known what is given back, both may have charged it.
      if (charge.source === 'local' || charge.stamp === Number.POSITIVE_INFINITY)
        this.#fallback.refund([charge])
      if (charge.source === 'local') return undefined
      const asked = this.#address([charge])
      this.#denials.lift(asked.names)
      if (this.#leases?.giveBack(charge, asked.names[0])) return undefined
      return this.#tell('refund', asked).catch(() => {})
    })
    await Promise.all(pending)
  }

  /** Rejects where the store does not answer, whatever `onStoreFailure` says: somebody wants it done. */
  async reset(charges: readonly Charge[]): Promise<void> {
    this.#fallback.reset(charges)
    const pending = charges.map((charge) => {
      const asked = this.#address([charge])
      this.#leases?.drop(asked.names[0])
      this.#denials.lift(asked.names)
      return this.#tell('reset', asked)
    })
    await Promise.all(pending)
  }

  storeKey(bucket: Bucket, key: string): string {
    return this.#connection.keyPrefix + this.#names.name(bucket as RedisBucket, this.#names.digest(key))
  }

  onStateChange(listener: (state: StoreState, error?: Error) => void): () => void {
    return this.#circuits.onStateChange(listener)
  }

  async close(): Promise<void> {
    this.#stopLeaseCheck?.()
    this.#stopLeaseCheck = null
    await this.#endLeases(true)
    await this.#courier.rest()
  }

  /** Where the keys of charges are kept. */
  #address(charges: readonly Charge[]): Asked {
    // Most calls are about one charge, and lists written like this are the cheapest there are.
    if (charges.length === 1) {
      const bucket = charges[0].bucket as RedisBucket
      const digest = this.#names.digest(charges[0].key)
      const shard = this.#connection.isCluster ? this.#names.shard(digest) : 0
      return { charges, buckets: [bucket], names: [this.#names.name(bucket, digest)], shards: [shard] }
    }
    const buckets = charges.map((charge) => charge.bucket as RedisBucket)
    const digests = charges.map(({ key }) => this.#names.digest(key))
    const names = digests.map((digest, i) => this.#names.name(buckets[i], digest))
    // Elsewhere than in a Cluster keys of all shards may be used at once.
    const shards = digests.map((digest) => (this.#connection.isCluster ? this.#names.shard(digest) : 0))
    return { charges, buckets, names, shards }
  }

  #admits({ shards }: Asked, now: number): boolean {
    return shards.every((shard) => this.#circuits.of(shard).admits(now))
  }

  /** Answers without the store. A failure that shall be an error rejects. */
  #decideHere(verb: 'take' | 'peek', charges: readonly Charge[]): boolean | Promise<boolean> {
    try {
      return this.#fallback.decide(verb, charges, leftAlone)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Asks the store, or whoever stands in for it. */
  #decide(verb: Deciding, asked: Asked, lease: Lease | null = null): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#ask(verb, asked, lease, resolve, (error) => {
        if (lease !== null) this.#leases?.miss(lease, asked.names[0])
        try {
          resolve(this.#fallback.decide(verb === 'peek' ? 'peek' : 'take', asked.charges, () => error))
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #ask(verb: Deciding, asked: Asked, lease: Lease | null, done: Done, fail: (error: Error) => void): void {
    const { charges, names, shards } = asked
    if (shards.some((shard) => shard !== shards[0])) {
      askApart(verb, asked, {
        decide: (verb, part) => new Promise((done, fail) => this.#ask(verb, part, null, done, fail)),
        refund: (part) => this.#tell('refund', part),
      }).then(done, fail)
      return
    }
    const wanted = lease === null ? 0 : lease.size - 1
    const answer = (reply: Reply) => done(this.#learn(verb, asked, lease, reply))
    this.#courier.send(shards[0], { verb, charges, names, wanted, answer, fail })
  }

  #learn(verb: Deciding, { charges, names }: Asked, lease: Lease | null, reply: Reply): boolean {
    const known: Known[] = []
    const allowed = readVerdicts(charges, reply, verb !== 'peek', known)
    // Units that we spend ourselves make what we knew stale.
    if (!allowed) this.#denials.learn(names, known)
    else if (verb !== 'peek') this.#denials.lift(names)
    if (lease !== null) {
      const { owed } = known[0] as { owed: number }
      this.#leases?.fill(lease, names[0], charges[0], reply.read(), reply, owed)
      this.#stopLeaseCheck ??= after(LEASE_CHECK, () => this.#checkLeases())
    }
    return allowed
  }

  /** Asks for what has no verdict. */
  #tell(verb: 'refund' | 'reset', asked: Asked): Promise<void> {
    const { charges, names, shards } = asked
    if (!this.#admits(asked, this.#clock())) {
      return Promise.reject(leftAlone())
    }
    return new Promise((resolve, reject) => {
      // A denial that was under way may have been learnt meanwhile; and what failed may have run.
      const answer = () => {
        this.#denials.lift(names)
        resolve()
      }
      const fail = (error: Error) => {
        this.#denials.lift(names)
        reject(error)
      }
      this.#courier.send(shards[0], { verb, charges, names, wanted: 0, answer, fail })
    })
  }

  #checkLeases(): void {
    this.#stopLeaseCheck = null
    this.#endLeases(false).catch(() => {})
    if (this.#leases?.held) this.#stopLeaseCheck = after(LEASE_CHECK, () => this.#checkLeases())
  }

  async #endLeases(all: boolean): Promise<void> {
    const unspent = this.#leases?.end(this.#clock(), all) ?? []
    await Promise.all(unspent.map((charge) => this.#tell('refund', this.#address([charge])).catch(() => {})))
  }
}

function leftAlone(): Error {
  return storeFailure(new Unanswered('it is left alone for a while'))
}

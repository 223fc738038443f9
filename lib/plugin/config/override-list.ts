import type { Override, OverrideOptions, Policy, PolicyOptions } from '../../../types/index.js'
import { checkKey, type OverrideInForce, type StoreLimiter } from '../../limiter/index.js'
import { type DocumentOverride, MOST_OVERRIDES, OVERRIDE_POLICY, readInstant } from '../../limits/index.js'
import { invalidOption, invalidSecret, ownOptions } from '../../policy/index.js'
import { dateOf, GenerationalMap, wallMicros } from '../../store/index.js'
import { asDefaults, type Changes, type Form, wholeOf } from './changes.js'
import { compileLimiter, type Defaults } from './route-policy.js'

/** Laws of the overrides of one limiter that are shared: at most so many, and at least half of them. */
const MOST_SHARED = 1000
const ADDRESS = 'an address as ipKey() returns it: IPv4, or an IPv6 network such as 2001:db8::/64'

type InForce = OverrideInForce<StoreLimiter>

/** An override with all that it is counted by, whatever a process would add. */
export interface WholeOverride {
  /** As it was given. */
  readonly policy: PolicyOptions | false
  /** The same with what it inherits; `false`: no limit. */
  readonly law: PolicyOptions | false
  /** In milliseconds since 1970; `Infinity`: never. */
  readonly until: number
  readonly comment: string
}

/** What the overrides of one form of a limiter have in common. */
interface Common {
  /** What their policies leave out. */
  readonly defaults: Defaults
  /** What they have opened: those with equal laws share it. */
  readonly opened: GenerationalMap<StoreLimiter>
}

/** What a policy of the document in force has opened, and for which form of its limiter. */
interface Documented {
  readonly form: Form
  readonly limiter: StoreLimiter
}

/** The overrides of one registration. */
export class OverrideList {
  readonly #changes: Changes
  /** Laws are shared, because a hot path over 10,000 of them would wait for memory. */
  readonly #common = new WeakMap<Form, Common>()
  /** By limiter and policy. The next document keeps what is equal in it. */
  #documented: ReadonlyMap<string, Documented> = new Map()

  constructor(changes: Changes) {
    this.#changes = changes
  }

  /**
   * As `RateLimitRegistry.override`. Returns all that was said, so that others can `put` it; null where an
   * override ends.
   */
  set(
    name: string,
    key: string,
    policy: PolicyOptions | false | null,
    { until, comment = '' }: OverrideOptions,
  ): WholeOverride | null {
    const { inForce, member } = this.#changes.of(name)
    if (policy === null) checkKey(key)
    else member.limiter.checkSubject(key)
    if (policy === undefined) throw invalidOption('policy', policy, 'a policy, false or null')
    if (policy === null) {
      this.end(name, key)
      return null
    }
    const end = until === undefined ? Number.POSITIVE_INFINITY : readEnd(until)
    const given = { policy, law: false as const, until: end, comment }
    if (policy === false) {
      this.put(name, key, given)
      return given
    }
    const own = ownOptions(policy, OVERRIDE_POLICY, 'policy.')
    const { defaults } = this.#commonOf(inForce)
    const limiter = this.#open(name, own, inForce, 'policy', defaults)
    this.#add(name, key, { policy, limiter, until: end, comment })
    const { name: _, ...law } = wholeOf(own, defaults, limiter.policies[0] as Policy)
    return { ...given, law }
  }

  /** Puts an override in force as another process gave it. */
  put(name: string, key: string, { policy, law, until, comment }: WholeOverride): void {
    const { inForce } = this.#changes.of(name)
    const limiter = law === false ? null : this.#open(name, law, inForce, 'policy', {})
    this.#add(name, key, { policy, limiter, until, comment })
  }

  /** Ends the override of a key, but not that of a document. */
  end(name: string, key: string): void {
    this.#changes.of(name).member.limiter.endOverride(key, false)
  }

  list(): Override[] {
    return [...this.#all()].map(([name, key, { policy, limiter, until, comment, used }]) => {
      const inForce = limiter?.policies[0] ?? null
      return {
        limiter: name,
        key,
        policy,
        inForce,
        until: until === Number.POSITIVE_INFINITY ? null : dateOf(until),
        comment,
        used,
      }
    })
  }

  stats(): { inForce: number; used: number } {
    let [inForce, used] = [0, 0]
    for (const [, , override] of this.#all()) {
      inForce++
      if (override.used > 0) used++
    }
    return { inForce, used }
  }

  /**
   * Opens the overrides of a document; `forms` are the limiters that it changes. The returned function puts
   * them in force in place of those of the document before, and cannot fail.
   */
  prepare(overrides: readonly DocumentOverride[], forms: ReadonlyMap<string, Form>): () => void {
    const documented = new Map<string, Documented>()
    const ready = overrides.map(({ limiter: name, key, policy, until, comment }, i) => {
      const { inForce, member } = this.#changes.of(name, `overrides[${i}].limiter`)
      if (member.limiter.corrected(key) !== null)
        throw invalidSecret(`overrides[${i}].key`, 'no address as the limiter counts it', ADDRESS)
      const limiter =
        policy === false ? null : this.#document(documented, name, policy, forms.get(name) ?? inForce, i)
      return { name, key, override: { policy, limiter, until, comment, isSourced: true } }
    })
    return () => {
      this.#documented = documented
      const used = this.#endSourced()
      for (const { name, key, override } of ready)
        this.#put(name, key, { ...override, used: used.get(JSON.stringify([name, key])) ?? 0 })
    }
  }

  /** Ends those of the document before. Returns how often each was looked up. */
  #endSourced(): Map<string, number> {
    const used = new Map<string, number>()
    for (const [name, { member }] of this.#changes) {
      for (const [key, override] of [...(member.limiter.overrides?.sourced() ?? [])]) {
        used.set(JSON.stringify([name, key]), override.used)
        member.limiter.endOverride(key, true)
      }
    }
    return used
  }

  /** What counts an override of a document: one for equal policies, also for those of the document before. */
  #document(
    documented: Map<string, Documented>,
    name: string,
    policy: PolicyOptions,
    form: Form,
    i: number,
  ): StoreLimiter {
    const id = `${name}\n${JSON.stringify(policy)}`
    const now = documented.get(id)
    if (now !== undefined) return now.limiter
    const before = this.#documented.get(id)
    const open = () => this.#open(name, policy, form, `overrides[${i}]`, this.#commonOf(form).defaults)
    const limiter = before?.form === form ? before.limiter : open()
    documented.set(id, { form, limiter })
    return limiter
  }

  /** Opens the law of an override: what the policy leaves out comes from `defaults`. */
  #open(name: string, policy: PolicyOptions, form: Form, where: string, defaults: Defaults): StoreLimiter {
    const named = { ...policy, name: form.compiled.policies[0].name }
    const { policies } = compileLimiter(named, name, where, defaults)
    const { opened } = this.#commonOf(form)
    const id = JSON.stringify(policies)
    let limiter = opened.get(id)
    if (limiter === undefined) {
      limiter = this.#changes.of(name).member.limiter.sibling(policies)
      opened.set(id, limiter)
    }
    return limiter
  }

  #commonOf(form: Form): Common {
    const common = this.#common.get(form)
    if (common !== undefined) return common
    const defaults = form.compiled.policies.length === 1 ? asDefaults(form) : form.defaults
    const made = { defaults, opened: new GenerationalMap<StoreLimiter>(MOST_SHARED) }
    this.#common.set(form, made)
    return made
  }

  #add(name: string, key: string, override: Omit<InForce, 'isSourced' | 'used'>): void {
    const { limiter } = this.#changes.of(name).member
    const isNew = limiter.overrides?.get(key) === undefined
    if (isNew && this.#isFull())
      throw invalidOption('override', 'one more', `at most ${MOST_OVERRIDES} overrides at a time`)
    this.#put(name, key, { ...override, isSourced: false, used: 0 })
  }

  #put(name: string, key: string, override: InForce): void {
    // The limiter and that of its override are of one kind.
    this.#changes.of(name).member.limiter.setOverride(key, override as never)
  }

  /** Those that have ended make room: to list them is to end them. */
  #isFull(): boolean {
    return this.#size() >= MOST_OVERRIDES && this.stats().inForce >= MOST_OVERRIDES
  }

  #size(): number {
    let size = 0
    for (const [, { member }] of this.#changes) size += member.limiter.overrides?.size ?? 0
    return size
  }

  *#all(): Iterable<[string, string, InForce]> {
    for (const [name, { member }] of this.#changes)
      for (const [key, override] of member.limiter.overrides ?? []) yield [name, key, override as InForce]
  }
}

/** The end of an override. One that has ended would do nothing, and end the one before: that is a mistake. */
function readEnd(until: OverrideOptions['until']): number {
  const end = readInstant(until, 'until')
  if (end * 1000 > wallMicros()) return end
  throw invalidOption('until', dateOf(end).toISOString(), 'an instant in the future')
}

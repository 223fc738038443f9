import type { AnyPolicy, Policy, RoutePolicy } from '../../../types/index.js'
import { unknownLimiter } from '../../limiter/index.js'
import { FIXED, RULES } from '../../limits/index.js'
import type { Counters } from '../../observe/index.js'
import { invalidOption, POLICY_OPTIONS, refuseUnknown } from '../../policy/index.js'
import { prepareHeaders } from '../reply/limit-headers.js'
import type { CompiledLimiter, RequestLimiter } from './request-limiter.js'
import { compileLimiter, type Defaults, inherit } from './route-policy.js'

/** Options that a change can give to all policies of a limiter at once. */
const FOR_ALL: readonly string[] = [...RULES, 'enforce']

/** Options of a limiter, with what they inherit. */
export interface Form {
  readonly policies: AnyPolicy
  readonly defaults: Defaults
  /** The same, checked and compiled. */
  readonly compiled: CompiledLimiter
}

/** What an update gives, and the rules of updates before it that it keeps. */
export interface Update {
  readonly policies: AnyPolicy
  readonly rules: Rules
}

type Rules = Pick<RoutePolicy, (typeof RULES)[number] | 'enforce'>

/**
 * A limiter, as the code says it, as the document in force makes it, and as it is in force: an update wins
 * over the document, and the document over the code.
 */
export interface Changeable {
  readonly member: RequestLimiter
  readonly code: Form
  documented: Form
  updated: Update | null
  inForce: Form
}

/** Changes the limiters of one registration while the app runs: each whole or not at all. */
export class Changes {
  readonly #limiters = new Map<string, Changeable>()
  readonly #counters: Counters

  constructor(counters: Counters) {
    this.#counters = counters
  }

  /** Remembers what a limiter was given. */
  add(name: string, member: RequestLimiter, code: Form): void {
    this.#limiters.set(name, { member, code, documented: code, updated: null, inForce: code })
  }

  /** Throws `FST_FLOODGATE_UNKNOWN_LIMITER`; with `where`, it says what names the limiter. */
  of(name: string, where = ''): Changeable {
    const limiter = this.#limiters.get(name)
    if (limiter === undefined) throw unknownLimiter(name, [...this.#limiters.keys()], where)
    return limiter
  }

  has(name: string): boolean {
    return this.#limiters.has(name)
  }

  *[Symbol.iterator](): Iterator<[string, Changeable]> {
    yield* this.#limiters
  }

  /**
   * Replaces the policies of a limiter. What they leave out they inherit as when the limiter was made; cost,
   * charge and status stay where nothing else is said. So does `enforce` of a limiter of one policy: nobody
   * is denied because a limit that is being tried gets other numbers. Returns all that was said: others can
   * `put` it.
   */
  update(name: string, policies: AnyPolicy): Update {
    const before = this.of(name).updated?.rules ?? {}
    const form = this.#updated(name, { policies, rules: before })
    const { enforce } = form.compiled.policies[0]
    const isOne = form.compiled.policies.length === 1
    const rules = { ...before, enforce: isOne ? enforce : undefined }
    for (const policy of [policies].flat() as RoutePolicy[])
      for (const rule of RULES) if (policy[rule] !== undefined) Object.assign(rules, { [rule]: policy[rule] })
    const update = { policies: form.policies, rules }
    this.#force(name, update, form)
    return update
  }

  /** The policies that `update` would put in force; of null, those that would come back. */
  preview(name: string, policies: AnyPolicy | null): readonly Policy[] {
    const { documented, updated } = this.of(name)
    const rules = updated?.rules ?? {}
    return (policies === null ? documented : this.#updated(name, { policies, rules })).compiled.policies
  }

  /** Puts an update in force as another process gave it; null ends what was given. */
  put(name: string, update: Update | null): void {
    this.#force(name, update, update === null ? this.of(name).documented : this.#updated(name, update))
  }

  /** The policies of a limiter in force, as `update` takes them. */
  optionsOf(name: string): AnyPolicy {
    const { policies, defaults, compiled } = this.of(name).inForce
    const { cost, charge, status } = compiled
    const rules = { cost, charge, status: status === 429 ? undefined : status }
    const options = [policies].flat().map((policy: RoutePolicy, i) =>
      plain({
        ...wholeOf(policy, defaults, compiled.policies[i]),
        ...rules,
        ...shadow(compiled.policies[i]),
      }),
    )
    return options.length === 1 ? options[0] : options
  }

  /**
   * The form of a limiter with what a document says of it. A change keeps what it does not name of the code's
   * options; a list replaces all policies.
   */
  changed(name: string, change: AnyPolicy): Form {
    const { code } = this.of(name, `limiters.${name}`)
    const { cost, charge, status } = code.compiled
    if (Array.isArray(change)) return this.#form(name, change, { ...code.defaults, cost, charge, status })
    const own = change as RoutePolicy
    const policies = [code.policies].flat()
    if (policies.length === 1) return this.#form(name, { name: policies[0].name, ...own }, asDefaults(code))
    for (const [option, value] of Object.entries(own))
      if (!FOR_ALL.includes(option))
        throw invalidOption(`limiters.${name}.${option}`, value, `none: give a list of all policies`)
    return this.#form(
      name,
      policies.map((policy) => ({ ...policy, ...own })),
      code.defaults,
    )
  }

  /** The form of a limiter that is in force where the document makes it `documented`. */
  over(name: string, documented: Form): Form {
    const { updated } = this.of(name)
    return updated === null ? documented : this.#updated(name, updated, documented)
  }

  /**
   * Opens the policies of a form. The returned function puts it in force, with what a document makes of the
   * limiter, and cannot fail.
   */
  prepare(name: string, form: Form, documented = this.of(name).documented): () => void {
    const limiter = this.of(name)
    const { policies } = form.compiled
    const commit = limiter.member.prepare(form.compiled)
    return () => {
      prepareHeaders(policies)
      commit(this.#counters.only(name, policies))
      limiter.documented = documented
      limiter.inForce = form
    }
  }

  #force(name: string, update: Update | null, form: Form): void {
    this.prepare(name, form)()
    this.of(name).updated = update
  }

  #updated(name: string, { policies, rules }: Update, { compiled }: Form = this.of(name).documented): Form {
    const { cost, charge, status, policies: before } = compiled
    const enforce = before.length === 1 ? before[0].enforce : undefined
    const defaults = { ...this.of(name).code.defaults, cost, charge, status, enforce, ...rules }
    return this.#form(name, policies, defaults, 'policies')
  }

  #form(name: string, policies: AnyPolicy, defaults: Defaults, where = `limiters.${name}`): Form {
    const { code } = this.of(name)
    for (const policy of [policies].flat()) {
      if (name === 'guard') refuseUnknown(policy, POLICY_OPTIONS, `${where}.`)
      refuseFixed(policy, code.compiled, where)
    }
    const compiled = compileLimiter(policies, name, where, defaults)
    return { policies: copyOf(policies), defaults, compiled }
  }
}

/** The caller may go on with its own objects. */
function copyOf(policies: AnyPolicy): AnyPolicy {
  const copies = [policies].flat().map((policy: RoutePolicy) => ({ ...policy }))
  return Array.isArray(policies) ? copies : copies[0]
}

/** A policy with what it inherits, and what it leaves to the law, as far as JSON can say it. */
export function wholeOf(given: RoutePolicy, defaults: Defaults, compiled: Policy): RoutePolicy {
  const { algorithm, rate, per, limit } = compiled
  const burst = algorithm === 'token-bucket' ? limit : undefined
  const law = algorithm === 'concurrency' ? { limit, hold: per } : { rate, per, burst }
  return plain({ algorithm, ...law, ...plain(inherit(given, defaults)) })
}

/** A copy of what JSON can say. */
function plain(options: RoutePolicy): RoutePolicy {
  return JSON.parse(JSON.stringify(options))
}

/** What a policy says of shadows. Where it is none, nothing, as most authors do. */
function shadow({ enforce }: Policy): Pick<RoutePolicy, 'enforce'> {
  return { enforce: enforce < 1 ? enforce : undefined }
}

function refuseFixed(policy: RoutePolicy, fixed: CompiledLimiter, where: string): void {
  for (const option of FIXED) {
    const value = Object(policy)[option]
    if (value !== undefined && value !== fixed[option])
      throw invalidOption(`${where}.${option}`, value, 'what the limiter was made with: it cannot change')
  }
}

/** What another policy takes from a limiter of one policy for what it leaves out. */
export function asDefaults({ policies, defaults, compiled }: Form): Defaults {
  const [policy] = [policies].flat()
  const { per, ...own } = inherit(policy, defaults)
  const { cost, charge, status, key, hook } = compiled
  return { ...own, per, codePer: per, cost, charge, status, key, hook }
}

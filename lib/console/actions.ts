import type { FastifyRequest } from 'fastify'
import type { ConsoleKey, ConsolePreview, ConsoleState } from '../../types/console.js'
import type {
  AnyPolicy,
  ChangeOptions,
  ChangeVerb,
  Period,
  PolicyOptions,
  RateLimitRegistry,
} from '../../types/index.js'
import { blockText, checkWho, policyText, RESET_TEXT } from '../limits/index.js'
import { invalidOption, ownOptions } from '../policy/index.js'
import type { Feed } from './feed.js'
import type { ConsoleSettings } from './options.js'
import { previewOf } from './preview.js'
import { checkLimiter, type NamedSubject, type Subject, subjectOf } from './subject.js'
import type { View } from './view.js'
import { clip } from './words.js'

/** What may be in the bodies of calls. */
export interface CallBody extends NamedSubject {
  readonly period?: Period
  readonly policy?: PolicyOptions | false | null
  readonly policies?: AnyPolicy | null
  readonly until?: string
  readonly comment?: string
}

/** What a call has done. Other processes write into `changes()`, too, and their clocks may differ. */
interface Made extends ChangeOptions {
  readonly verb: ChangeVerb
  readonly limiter: string
  /** Null where the change is of a whole limiter. */
  readonly key: string | null
  readonly text: string
}

const SUBJECT = ['limiter', 'key', 'offender']

/** The calls of the API. Each throws coded errors for what its body may not say. */
export class Actions {
  readonly #rateLimit: RateLimitRegistry
  readonly #view: View
  readonly #feed: Feed
  readonly #who: ConsoleSettings['who']

  constructor(rateLimit: RateLimitRegistry, view: View, feed: Feed, { who }: ConsoleSettings) {
    this.#rateLimit = rateLimit
    this.#view = view
    this.#feed = feed
    this.#who = who
  }

  /** Who makes a change. What fails here is a fault of the application, and nothing has changed. */
  whoOf(request: FastifyRequest): string | undefined {
    const who = this.#who(request)
    if (who !== undefined) checkWho(who, 'console.who')
    return who
  }

  look(body: CallBody): Promise<ConsoleKey> {
    return this.#seen(this.#subject(body, SUBJECT))
  }

  async reset(body: CallBody, request: FastifyRequest, who?: string): Promise<ConsoleKey> {
    const subject = this.#subject(body, SUBJECT)
    await this.#rateLimit.reset(subject.limiter, subject.key, { who })
    this.#log(request, { verb: 'reset', ...subject, text: RESET_TEXT, who })
    return this.#seen(subject)
  }

  async block(body: CallBody, request: FastifyRequest, who?: string): Promise<ConsoleKey> {
    const subject = this.#subject(body, [...SUBJECT, 'period', 'comment'])
    const { period, comment } = body
    await this.#rateLimit.block(subject.limiter, subject.key, period as Period, { who, comment })
    const text = blockText(period as Period)
    this.#log(request, { verb: 'block', ...subject, text, who, comment })
    return this.#seen(subject)
  }

  override(body: CallBody, request: FastifyRequest, who?: string): Promise<ConsoleKey> {
    const subject = this.#subject(body, [...SUBJECT, 'policy', 'until', 'comment'])
    const { policy, until, comment } = body
    const options = { who, comment, ...(until !== undefined && { until }) }
    const set = policy as PolicyOptions | false | null
    this.#rateLimit.override(subject.limiter, subject.key, set, options)
    this.#log(request, { verb: 'override', ...subject, text: policyText(set, until), who, comment })
    return this.#seen(subject)
  }

  preview(body: CallBody): ConsolePreview {
    const { limiter, policies } = this.#policies(body, [])
    return previewOf(this.#rateLimit, limiter, policies)
  }

  update(body: CallBody, request: FastifyRequest, who?: string): ConsoleState {
    const { limiter, policies } = this.#policies(body, ['comment'])
    const { comment } = body
    this.#rateLimit.update(limiter, policies, { who, comment })
    this.#log(request, { verb: 'update', limiter, key: null, text: policyText(policies), who, comment })
    return this.#feed.state()
  }

  #subject(body: CallBody, known: readonly string[]): Subject {
    return subjectOf(this.#rateLimit, ownOptions(body, known, ''))
  }

  #policies(body: CallBody, more: readonly string[]): { limiter: string; policies: AnyPolicy | null } {
    const { limiter, policies } = ownOptions(body, ['limiter', 'policies', ...more], '')
    if (policies === undefined)
      throw invalidOption('policies', policies, 'a policy, a list of policies, or null')
    checkLimiter(this.#rateLimit, limiter)
    return { limiter, policies }
  }

  #seen({ limiter, key }: Subject): Promise<ConsoleKey> {
    return this.#view.key(limiter, key)
  }

  /** A line for each change that was made, with its key as it is shown. */
  #log(request: FastifyRequest, { verb, limiter, key, text, who, comment = '' }: Made): void {
    const shown = key === null ? null : clip(this.#rateLimit.showKey(limiter, key))
    request.log.info({ verb, limiter, key: shown, text, who: who ?? null, comment }, 'rate limits changed')
  }
}

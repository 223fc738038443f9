import { Advisor } from './advice/advisor.js'
import { logError } from './errors.js'
import { OpenableLog } from './input/log-file.js'
import { Source } from './input/source.js'
import { Judge } from './judge/judge.js'
import { Keys } from './judge/keys.js'
import { compileOptions, type ReplayOptions, type Settings } from './options.js'
import { type PassResult, pass } from './pass.js'
import { LEFT_OUT, OTHER, type Reading, UNREADABLE } from './readers/line.js'
import type { Advice, FileReport, PolicyReport, ReplayReport } from './report.js'
import { shownKey } from './shown-key.js'
import { fileReport, policyReport } from './summary.js'
import { isoOf } from './time.js'

/**
 * Replays logs of requests: what would each policy have done? Without policies it advises which limits would
 * have let almost everybody pass. It decides by the laws of the limiters, over a clock that the log drives.
 * Memory grows with keys, and not with lines.
 *
 * Throws `FST_FLOODGATE_LOG` for a log that cannot be read, also where more than half of its lines cannot,
 * or where it changes between two readings. Throws `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION`
 * for options that are not allowed.
 *
 * @example
 * ```js
 * const { policies } = await replay({
 *   files: 'test/recorded.log.gz',
 *   policies: [{ rate: 100, per: 'minute', burst: 20 }],
 * })
 * assert(policies[0].denied.share < 0.001) // less than 0.1 % of these requests would have been denied
 * ```
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const settings = compileOptions(options)
  const judges = settings.policies.map((policies, i) => new Judge(policies, `policies[${i}]`))
  const advisor = settings.advice ? new Advisor(settings.rates) : null
  const logs = await Promise.all(settings.files.map((file) => OpenableLog.find(file)))
  const run = new Run(settings, logs)
  return await run.report(judges, advisor)
}

interface Pass extends PassResult {
  readonly sources: readonly Source[]
}

/** What two passes over the same bytes have in common. */
function seenBy({ sources, from, to, late }: Pass): string {
  return JSON.stringify([from, to, late, sources.map(({ counts }) => counts)])
}

/** One replay: its logs, its keys and its passes. */
class Run {
  readonly #settings: Settings
  readonly #logs: readonly OpenableLog[]
  readonly #keys = new Keys()
  /** Bytes of all logs, or null where a stream has none. */
  readonly #size: number | null
  #passes = 1
  #passed = 0

  constructor(settings: Settings, logs: readonly OpenableLog[]) {
    this.#settings = settings
    this.#logs = logs
    this.#size = logs.reduce<number | null>(
      (sum, { size }) => (sum === null || size === null ? null : sum + size),
      0,
    )
  }

  async report(judges: readonly Judge[], advisor: Advisor | null): Promise<ReplayReport> {
    const { policies, selection } = this.#settings
    const keys = this.#keys
    if (advisor !== null && this.#size !== null) this.#passes = 2
    const numberOf = (name: string) => keys.add(name)
    const first = await this.#pass(numberOf, (time, key, cost, duration) => {
      for (const judge of judges) judge.visit(time, key, cost, duration)
      advisor?.visit(time, key, cost)
    })
    const { sources, from, to, late } = first
    const files = sources.map(fileReport)
    const outOfOrder = late + sources.reduce((sum, { wrongTimes }) => sum + wrongTimes, 0)
    checkReadable(files, outOfOrder)
    const all = (reading: Reading) => sources.reduce((sum, { counts }) => sum + counts[reading], 0)
    const advice = advisor === null || keys.count === 0 ? null : await this.#advise(advisor, first)
    return {
      files,
      from: Number.isNaN(from) ? null : isoOf(from),
      to: Number.isNaN(to) ? null : isoOf(to),
      key: selection.key,
      keys: keys.count,
      requests: files.reduce((sum, { requests }) => sum + requests, 0),
      leftOut: all(LEFT_OUT),
      otherLines: all(OTHER),
      unreadableLines: all(UNREADABLE),
      outOfOrder,
      policies: judges.map((judge, i) => policyReport(judge, policies[i], keys, this.#nameOf)),
      advice,
    }
  }

  /** The advice, and what its policy would have done, for which files are read once more. */
  async #advise(advisor: Advisor, first: Pass): Promise<Advice> {
    const advice = advisor.conclude(this.#keys, this.#nameOf)
    const { suggestion } = advice
    if (suggestion === null || this.#size === null) return advice
    const numbers = this.#keys.numbers
    const judge = new Judge([suggestion.policy], 'suggestion')
    const again = await this.#pass(
      (name) => numbers.get(name) ?? this.#failChanged(),
      (time, key, cost, duration) => judge.visit(time, key, cost, duration),
    )
    if (seenBy(again) !== seenBy(first)) this.#failChanged()
    const report: PolicyReport = policyReport(judge, [suggestion.policy], this.#keys, this.#nameOf)
    return { ...advice, suggestion: { ...suggestion, report } }
  }

  /** Throws `FST_FLOODGATE_LOG`, as where a file was rotated between two passes. */
  #failChanged(): never {
    throw logError(
      this.#logs.map(({ name }) => name).join(', '),
      'changed while it was read; read a copy, or try policies, for which files are read once',
    )
  }

  async #pass(...[numberOf, visit]: [Parameters<typeof pass>[2], Parameters<typeof pass>[3]]): Promise<Pass> {
    const sources = this.#logs.map((log) => new Source(log, this.#settings))
    try {
      const result = await pass(sources, this.#settings.skew, numberOf, visit, () => this.#progress(sources))
      this.#passed++
      return { sources, ...result }
    } finally {
      for (const source of sources) await source.close()
    }
  }

  #progress(sources: readonly Source[]): void {
    const size = this.#size
    const done = size === null ? 0 : this.#passed * size
    this.#settings.onProgress({
      bytes: done + sources.reduce((sum, { consumed }) => sum + consumed, 0),
      total: size === null ? null : size * this.#passes,
      lines: sources.reduce((sum, { lines }) => sum + lines, 0),
    })
  }

  readonly #nameOf = (key: number): string => {
    const { selection, showKeys } = this.#settings
    return shownKey(this.#keys.names[key], selection.key, showKeys)
  }
}

/** Throws `FST_FLOODGATE_LOG` for logs of which no report would be true. */
function checkReadable(files: readonly FileReport[], outOfOrder: number): void {
  for (const { file, lines, unreadableLines, unreadable } of files) {
    if (unreadable === null || unreadableLines <= lines / 2) continue
    const { line, reason, text } = unreadable
    throw logError(`${file}:${line}`, `${reason}: '${text}'; so are ${unreadableLines} of ${lines} lines`)
  }
  const requests = files.reduce((sum, { requests }) => sum + requests, 0)
  if (outOfOrder <= requests / 2) return
  const names = files.map(({ file }) => file).join(', ')
  throw logError(
    names,
    `${outOfOrder} of ${requests} requests are out of order by more than the skew; sort the log by time, the oldest line first`,
  )
}

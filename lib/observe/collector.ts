import type { AnyLimiter, CallDurations, RateLimitRegistry, Store, StoreReport } from '../../types/index.js'
import { invalidOption } from '../policy/index.js'
import type { Family, Labels, Reading, Sample } from './families.js'
import { reportOf } from './store-report.js'

/** Whose counters are collected: all limiters of a registration, or a limiter of `createLimiter`. */
export type MetricsSource = RateLimitRegistry | AnyLimiter

/** What a source is to a collector. */
export interface Source {
  readonly of: MetricsSource
  readonly labels: Labels
  readonly store: Store
  read(): Reading & { readonly store: StoreReport }
}

interface Labelled<T> {
  readonly labels: Labels
  readonly value: T
}

const MERGE = {
  sum: (a: number, b: number) => a + b,
  min: Math.min,
  max: Math.max,
} as const

/**
 * What one registry or meter collects. Several apps may report there. Numbers with the same labels become
 * one: apps that must be told apart need labels of their own.
 */
export class Collector {
  readonly #sources = new Set<Source>()
  #readings: readonly Labelled<Reading>[] | null = null

  /** Collects from a source, too, until the returned function is called. */
  add(source: MetricsSource, labels: Labels): () => void {
    const added = sourceOf(source, labels)
    this.#sources.add(added)
    return () => {
      this.#sources.delete(added)
    }
  }

  samples(family: Family): Sample[] {
    const samples = this.#read().flatMap(({ labels: own, value }) =>
      family.read(value).map(({ labels, value }) => ({ labels: { ...own, ...labels }, value })),
    )
    return this.#sources.size === 1 ? samples : merged(samples, MERGE[family.merge])
  }

  /** One source for each store and its labels: sources may share a store. */
  get stores(): Source[] {
    return this.#distinct((a, b) => a.store === b.store)
  }

  /** Those of the same labels that are not the same as one before. */
  #distinct(isSame: (a: Source, b: Source) => boolean): Source[] {
    const sources = [...this.#sources]
    const isFirst = (source: Source) =>
      sources.find((other) => isSame(other, source) && idOf(other.labels) === idOf(source.labels)) === source
    return sources.filter(isFirst)
  }

  /** How long calls of the stores took. */
  durations(): Labelled<CallDurations>[] {
    const all = this.#read().flatMap(({ labels, value: { store } }) =>
      store?.durations === undefined ? [] : [{ labels, value: store.durations }],
    )
    return merged(all, added)
  }

  /** Metrics are asked for one by one, all in one turn: they are made from one reading. */
  #read(): readonly Labelled<Reading>[] {
    if (this.#readings === null) {
      this.#readings = this.#readAll()
      queueMicrotask(() => {
        this.#readings = null
      })
    }
    return this.#readings
  }

  #readAll(): Labelled<Reading>[] {
    const { stores } = this
    // A source that was added twice counts once.
    return this.#distinct((a, b) => a.of === b.of).map((source) => {
      const reading = source.read()
      return { labels: source.labels, value: stores.includes(source) ? reading : { ...reading, store: null } }
    })
  }
}

/** Throws `FST_FLOODGATE_OPTION` for what has no counters, such as the app itself. */
export function checkSource(source: MetricsSource): void {
  if (typeof source?.stats !== 'function')
    throw invalidOption('source', source, 'app.rateLimit, or a limiter of createLimiter()')
}

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const OURS = ['limiter', 'policy', 'outcome', 'result', 'le']

/** The labels that a source gets. Throws `FST_FLOODGATE_OPTION`. */
export function checkLabels(labels: Record<string, string>): Labels {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    throw invalidOption('labels', labels, 'an object of strings')
  for (const [name, value] of Object.entries(labels)) {
    const path = `labels.${name}`
    if (!LABEL.test(name) || OURS.includes(name))
      throw invalidOption(path, value, `names of letters, digits and _, other than ${OURS.join(', ')}`)
    if (typeof value !== 'string') throw invalidOption(path, value, 'a string')
  }
  return { ...labels }
}

function sourceOf(source: MetricsSource, labels: Labels): Source {
  if (!('policies' in source)) {
    const [{ store }] = source
    return { of: source, labels, store, read: () => source.stats() }
  }
  const { name, store } = source
  const read = () => ({ limiters: { [name]: source.stats() }, waiting: null, store: reportOf(store) })
  return { of: source, labels, store, read }
}

function merged<T>(all: readonly Labelled<T>[], merge: (a: T, b: T) => T): Labelled<T>[] {
  const byLabels = new Map<string, Labelled<T>>()
  for (const { labels, value } of all) {
    const id = idOf(labels)
    const known = byLabels.get(id)
    byLabels.set(id, { labels, value: known === undefined ? value : merge(known.value, value) })
  }
  return [...byLabels.values()]
}

/** Labels of one metric have the same order in all sources. */
function idOf(labels: Labels): string {
  return JSON.stringify(labels)
}

/** All stores have the same bounds. */
function added(a: CallDurations, b: CallDurations): CallDurations {
  return { bounds: a.bounds, counts: a.counts.map((count, i) => count + b.counts[i]), sum: a.sum + b.sum }
}

import { invalidOption, ownOptions } from '../policy/index.js'
import { Collector, checkLabels, checkSource, type MetricsSource, type Source } from './collector.js'
import { CALL_DURATION, FAMILIES, type Labels } from './families.js'

/** What is used of a `Meter` of `@opentelemetry/api`. */
export interface OpenTelemetryMeter {
  createObservableCounter(name: string, options: { description: string }): object
  createObservableGauge(name: string, options: { description: string }): object
  createHistogram(
    name: string,
    options: { description: string; unit: string; advice: { explicitBucketBoundaries: number[] } },
  ): Histogram
  addBatchObservableCallback(callback: (result: Observations) => void, instruments: never[]): void
}

interface Histogram {
  record(value: number, attributes: Labels): void
}

interface Observations {
  observe(instrument: never, value: number, attributes: Labels): void
}

export interface OpenTelemetryOptions {
  /** The meter that makes the metrics, such as `metrics.getMeter('fastify-floodgate')`. */
  meter: OpenTelemetryMeter
  /**
   * Attributes that all series of this source get. Without them, equal series of two apps are added up.
   * Default: none.
   */
  labels?: Record<string, string>
}

const known = new WeakMap<OpenTelemetryMeter, MeterCollector>()

/**
 * Adds the metrics of a registration (`app.rateLimit`), or of one limiter of `createLimiter`, to a meter of
 * OpenTelemetry. The counters are read when the meter is collected, so that decisions cost what they cost
 * without; only the histogram hears of each call of the store. Returns a function that ends this. Throws
 * `FST_FLOODGATE_OPTION` and `FST_FLOODGATE_UNKNOWN_OPTION`.
 *
 * @example
 * ```js
 * import { metrics } from '@opentelemetry/api'
 *
 * openTelemetry(app.rateLimit, { meter: metrics.getMeter('fastify-floodgate') })
 * ```
 */
export function openTelemetry(source: MetricsSource, options: OpenTelemetryOptions): () => void {
  checkSource(source)
  const { meter, labels = {} } = ownOptions(options, ['meter', 'labels'], '')
  if (typeof meter?.addBatchObservableCallback !== 'function')
    throw invalidOption('meter', meter, "a meter, such as metrics.getMeter('my-app')")
  return collectorOf(meter).add(source, checkLabels(labels))
}

function collectorOf(meter: OpenTelemetryMeter): MeterCollector {
  const collector = known.get(meter) ?? new MeterCollector(meter)
  known.set(meter, collector)
  return collector
}

/** The sources of one meter. */
class MeterCollector {
  readonly #collector = new Collector()
  readonly #meter: OpenTelemetryMeter
  #durations: Histogram | null = null
  /** The ends of listening to calls, by the source whose store is listened to. */
  readonly #listening = new Map<Source, () => void>()

  constructor(meter: OpenTelemetryMeter) {
    this.#meter = meter
    const instruments = FAMILIES.map(({ name, help, type }) =>
      type === 'counter'
        ? meter.createObservableCounter(name, { description: help })
        : meter.createObservableGauge(name, { description: help }),
    )
    const observe = (result: Observations) => {
      for (const [i, family] of FAMILIES.entries())
        for (const { value, labels } of this.#collector.samples(family))
          result.observe(instruments[i] as never, value, labels)
    }
    meter.addBatchObservableCallback(observe, instruments as never[])
  }

  add(source: MetricsSource, labels: Labels): () => void {
    const end = this.#collector.add(source, labels)
    this.#listen()
    return () => {
      end()
      this.#listen()
    }
  }

  /** Listens to the calls of each store once. The API of OpenTelemetry has no histogram that can be read. */
  #listen(): void {
    const { stores } = this.#collector
    for (const [source, end] of this.#listening) {
      if (stores.includes(source)) continue
      end()
      this.#listening.delete(source)
    }
    for (const source of stores) {
      const { store, labels } = source
      if (store.sync || store.onCall === undefined || this.#listening.has(source)) continue
      const histogram = this.#histogram([...store.stats().durations.bounds])
      const end = store.onCall((seconds) => histogram.record(seconds, labels))
      this.#listening.set(source, end)
    }
  }

  /** Made for the first store that has calls. Without our bounds, calls of 5 ms and of 4 s are the same. */
  #histogram(bounds: number[]): Histogram {
    const { name, help } = CALL_DURATION
    const options = { description: help, unit: 's', advice: { explicitBucketBoundaries: bounds } }
    this.#durations ??= this.#meter.createHistogram(name, options)
    return this.#durations
  }
}

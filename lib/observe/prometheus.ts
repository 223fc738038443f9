import type { CallDurations } from '../../types/index.js'
import { invalidOption, ownOptions } from '../policy/index.js'
import { Collector, checkLabels, checkSource, type MetricsSource } from './collector.js'
import { CALL_DURATION, FAMILIES, type Labels, type Sample } from './families.js'

/** What is used of a registry: prom-client's, or that of a package that took its place. */
export interface PrometheusRegistry {
  registerMetric(metric: never): void
  getSingleMetric(name: string): unknown
}

export interface PrometheusOptions {
  /** The registry that serves the metrics, such as prom-client's `register`. */
  registry: PrometheusRegistry
  /**
   * Labels that all series of this source get. Without them, equal series of two apps are added up. Default:
   * none.
   */
  labels?: Record<string, string>
}

interface Facts {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** How the values of several processes of `node:cluster` become one. */
  readonly aggregator: 'sum' | 'min' | 'max'
}

/** A metric as such a registry asks for it. */
interface Metric {
  /** The registry drops `_total` from it where it speaks OpenMetrics. */
  name: string
  get(): object
  reset(): void
}

interface Registered {
  readonly collector: Collector
  readonly metrics: readonly Metric[]
}

const known = new WeakMap<PrometheusRegistry, Registered>()

/**
 * Adds the metrics of a registration (`app.rateLimit`), or of one limiter of `createLimiter`, to a registry
 * of prom-client. The counters are read when the registry is asked, so that decisions cost what they cost
 * without. Returns a function that ends this. Throws `FST_FLOODGATE_OPTION` and
 * `FST_FLOODGATE_UNKNOWN_OPTION`.
 *
 * @example
 * ```js
 * import { register } from 'prom-client'
 *
 * prometheus(app.rateLimit, { registry: register })
 * app.get('/metrics', { config: { rateLimit: false } }, async (request, reply) => {
 *   reply.type(register.contentType)
 *   return register.metrics()
 * })
 * ```
 */
export function prometheus(source: MetricsSource, options: PrometheusOptions): () => void {
  checkSource(source)
  const { registry, labels = {} } = ownOptions(options, ['registry', 'labels'], '')
  if (typeof registry?.registerMetric !== 'function' || typeof registry.getSingleMetric !== 'function')
    throw invalidOption('registry', registry, "a registry, such as prom-client's register")
  return collectorOf(registry).add(source, checkLabels(labels))
}

function collectorOf(registry: PrometheusRegistry): Collector {
  const before = known.get(registry)
  // A registry that was cleared begins again.
  if (before !== undefined && registry.getSingleMetric(FAMILIES[0].name) === before.metrics[0])
    return before.collector
  const collector = new Collector()
  const metrics = metricsOf(collector)
  for (const metric of metrics) registry.registerMetric(metric as never)
  known.set(registry, { collector, metrics })
  return collector
}

/**
 * They are plain objects, so that nothing is imported from prom-client, and the registry may be that of
 * any version.
 */
function metricsOf(collector: Collector): Metric[] {
  const plain = FAMILIES.map((family) => {
    const { name, help, type, merge } = family
    return metricOf({ name, help, type, aggregator: merge }, () => collector.samples(family))
  })
  const histogram = { ...CALL_DURATION, type: 'histogram', aggregator: 'sum' } as const
  const values = () => collector.durations().flatMap(({ labels, value }) => histogramValues(labels, value))
  return [...plain, metricOf(histogram, values)]
}

function metricOf(facts: Facts, values: () => Sample[]): Metric {
  return {
    ...facts,
    async get() {
      return { ...facts, name: this.name, values: values() }
    },
    // Counters of limiters only grow.
    reset() {},
  }
}

/** A sample of a histogram has a name of its own. */
function histogramValues(labels: Labels, { bounds, counts, sum }: CallDurations): Sample[] {
  const { name } = CALL_DURATION
  let total = 0
  const buckets = counts.map((count, i) => {
    total += count
    const le = bounds[i] ?? '+Inf'
    return { metricName: `${name}_bucket`, labels: { ...labels, le: String(le) }, value: total }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ] as Sample[]
}

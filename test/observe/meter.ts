import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import type { Test } from 'tap'

/** Collects when a test asks it to. */
export class Reader extends MetricReader {
  protected override async onShutdown() {}
  protected override async onForceFlush() {}

  /** Values by series, such as `floodgate_store_up {}`. */
  async read(): Promise<Map<string, unknown>> {
    const { resourceMetrics, errors } = await this.collect()
    if (errors.length > 0) throw errors[0]
    const metrics = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    return new Map(
      metrics.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }): [string, unknown] => [
          `${descriptor.name} ${JSON.stringify(attributes)}`,
          value,
        ]),
      ),
    )
  }
}

/** A meter of the SDK, and what reads it. It ends with the test. */
export function newMeter(t: Test) {
  const reader = new Reader()
  const provider = new MeterProvider({ readers: [reader] })
  t.teardown(() => provider.shutdown())
  return { meter: provider.getMeter('test'), reader }
}

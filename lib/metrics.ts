export type { MetricsSource } from './observe/collector.js'
export {
  type OpenTelemetryMeter,
  type OpenTelemetryOptions,
  openTelemetry,
} from './observe/open-telemetry.js'
export { type PrometheusOptions, type PrometheusRegistry, prometheus } from './observe/prometheus.js'

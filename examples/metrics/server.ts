// Metrics of limits, a dashboard and alerts:
//
//     npm run metrics
//     prometheus --config.file=examples/metrics/prometheus.yml --storage.tsdb.path=/tmp/prometheus
//
// Ask more than is allowed, then look at the numbers, at http://127.0.0.1:9090/alerts, and who it was:
//
//     for i in $(seq 100); do curl -so /dev/null -w '%{http_code} ' http://127.0.0.1:3000/search; done
//     curl -s http://127.0.0.1:9464/metrics | grep -v '^#'
//     curl -s http://127.0.0.1:9464/offenders
//
// Write other limits into limits.json while it runs. In Grafana, import dashboard.json. With REDIS_URL, it
// counts in Redis.
import { fileURLToPath } from 'node:url'
import { buildApps } from './app.js'

const {
  PORT = '3000',
  METRICS_PORT = '9464',
  LIMITS = fileURLToPath(new URL('limits.json', import.meta.url)),
  REDIS_URL,
} = process.env

const { app, operators } = await buildApps({ limits: LIMITS, redis: REDIS_URL })
const host = '127.0.0.1'
console.log(`Metrics at ${await operators.listen({ host, port: Number(METRICS_PORT) })}/metrics`)
console.log(`Listening on ${await app.listen({ host, port: Number(PORT) })}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => Promise.all([app.close(), operators.close()]))

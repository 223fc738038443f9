import { test } from 'tap'
import { readReports, reporter } from '../../../lib/plugin/fleet/reports.js'
import { limited } from '../support/app.js'

test('a report that cannot be read, or lacks what every report has, is left out', async (t) => {
  const app = await limited()
  const whole = JSON.stringify(reporter()(app.rateLimit.stats()))
  const without = (change: (report: Record<string, never>) => unknown) => {
    const report = JSON.parse(whole)
    change(report)
    return JSON.stringify(report)
  }
  const reports = [
    'sealed with another secret',
    '{}',
    without((report) => Object.assign(report, { at: 'soon' })),
    without((report) => Object.assign(report, { id: 5 })),
    without((report) => Object.assign(report, { stats: { since: new Date() } })),
    without(({ stats }) => Object.assign(stats, { store: {} })),
    without(({ stats }) => Object.assign(stats, { limiters: { default: { policies: { default: {} } } } })),
  ]
  t.same(readReports(reports), [])
  t.match(readReports([...reports, whole]), [
    { isThis: false, pid: process.pid, stats: app.rateLimit.stats() },
  ])
})

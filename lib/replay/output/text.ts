import type { Advice, PolicyReport, ReplayReport, Suggestion } from '../report.js'
import { isoOf, parseTime, SECOND } from '../time.js'
import { cellsOf, clockTime, counted, percent, span, whole } from './numbers.js'
import { cut, type Paint, sparkline, table, WIDTH } from './table.js'

/** The report as text of at most 80 columns. */
export function textOf(report: ReplayReport, paint: Paint): string {
  const parts = [summary(report, paint)]
  const { policies, advice } = report
  if (policies.length > 1) parts.push(comparison(policies, paint))
  for (const policy of policies) parts.push(policyText(policy, paint))
  if (advice !== null) parts.push(...adviceText(advice, paint))
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function summary(report: ReplayReport, paint: Paint): string[] {
  const { files, from, to, requests, keys, key, leftOut, otherLines, outOfOrder } = report
  const lines = files.map(({ file, format, lines, damage }) => {
    const text = `${file}: ${format ?? 'empty'}, ${counted(lines, 'line')}`
    return damage === null ? text : `${text}\n${paint('yellow', cut(`! ${file} ${damage}`, WIDTH))}`
  })
  lines.push(`${counted(requests, 'request')} of ${counted(keys, 'key')} (${key})`)
  if (from !== null && to !== null) lines.push(`${span(from, to)} UTC`)
  const others = [
    leftOut > 0 && `${counted(leftOut, 'request')} left out`,
    otherLines > 0 && `${counted(otherLines, 'line')} without a request`,
  ].filter((text) => text !== false)
  if (others.length > 0) lines.push(others.join(', '))
  for (const { file, unreadableLines, unreadable } of files) {
    if (unreadable === null) continue
    const { line, reason, text } = unreadable
    lines.push(
      paint('yellow', `! not readable: ${counted(unreadableLines, 'line')}; the first is ${file}:${line}`),
      cut(`  ${reason}`, WIDTH),
      cut(`  ${text}`, WIDTH),
    )
  }
  if (outOfOrder > 0)
    lines.push(
      paint('yellow', `! ${counted(outOfOrder, 'request')} out of order: they count with those around them`),
    )
  return lines
}

/** All policies, a line each. */
function comparison(policies: readonly PolicyReport[], paint: Paint): string[] {
  const rows = policies.map(cellsOf)
  return table([['policy', 'denied', 'requests', 'keys', 'of all'], ...rows], head(paint))
}

function head(paint: Paint): (line: string, row: number) => string {
  return (line, row) => (row === 0 ? paint('dim', line) : line)
}

function policyText(policy: PolicyReport, paint: Paint): string[] {
  const { name, requests, denied, keysDenied, blocked, delayed, withoutDuration } = policy
  const outcome = `denied ${whole(denied.count)} of ${counted(requests, 'request')}, ${percent(denied.share)}`
  const lines = [
    paint('bold', cut(name, WIDTH)),
    `  ${paint(denied.count === 0 ? 'green' : 'red', outcome)}`,
    `  denied ${counted(keysDenied.count, 'key')}, ${percent(keysDenied.share)} of all`,
  ]
  if (blocked.count > 0)
    lines.push(`  ${whole(blocked.count)} of these denials came while the key was blocked`)
  if (delayed.count > 0)
    lines.push(`  delayed ${counted(delayed.count, 'request')}, ${percent(delayed.share)}`)
  if (withoutDuration > 0)
    lines.push(
      paint(
        'yellow',
        `! ${counted(withoutDuration, 'request')} without a duration: they end when they arrive`,
      ),
    )
  if (denied.count > 0) lines.push(...denialsText(policy, paint))
  return lines
}

function denialsText({ longestRun, hardest, timeline }: PolicyReport, paint: Paint): string[] {
  const lines: string[] = []
  if (longestRun !== null) {
    const { key, denials, from, to } = longestRun
    lines.push(cut(`  longest run: ${counted(denials, 'denial')} of ${key}`, WIDTH), `    ${span(from, to)}`)
  }
  const most = Math.max(...timeline.denied)
  const start = parseTime(timeline.from) + timeline.denied.indexOf(most) * timeline.seconds * SECOND
  const worst = span(isoOf(start), isoOf(start + timeline.seconds * SECOND))
  lines.push(`  most at a time: ${counted(most, 'denial')}`, `    ${worst}`)
  lines.push(`  denials over time, to ${clockTime(isoOf(endOf(timeline)))}:`)
  lines.push(`    ${paint('red', sparkline(timeline.denied, WIDTH - 8))}`)
  const rows = hardest.map(({ key, requests, denied }) => [
    key,
    whole(requests),
    whole(denied),
    percent(denied / requests),
  ])
  return [...lines, ...table([['denied most', 'requests', 'denied', 'share'], ...rows], head(paint))]
}

function endOf({ from, seconds, denied }: PolicyReport['timeline']): number {
  return parseTime(from) + denied.length * seconds * SECOND
}

const SHARES = ['50%', '90%', '99%', '99.9%'] as const
const SHARE_HEADS = SHARES.map((share) => share.replace('%', ' %'))

function adviceText({ rates, windows, suggestion }: Advice, paint: Paint): string[][] {
  const chosen = suggestion?.policy
  const buckets = rates.map(({ rate, per, burst }) => {
    const isChosen = rate === chosen?.rate && per === chosen.per
    return [`${whole(rate)} per ${per}${isChosen ? ' *' : ''}`, ...SHARES.map((share) => whole(burst[share]))]
  })
  const rings = windows.map(({ per, rate }) => [`${per}`, ...SHARES.map((share) => whole(rate[share]))])
  const parts = [
    [
      paint('bold', 'Token bucket: the least burst that never denies so many of the keys'),
      ...table([['rate', ...SHARE_HEADS], ...buckets], (line, row) =>
        row === 0 ? paint('dim', line) : line.includes(' *') ? paint('green', line) : line,
      ),
    ],
    [
      paint('bold', 'Sliding window: the least rate that never denies so many of the keys'),
      ...table([['per', ...SHARE_HEADS], ...rings], head(paint)),
    ],
  ]
  return suggestion === null ? parts : [...parts, suggestionText(suggestion, paint)]
}

function suggestionText({ code, keysDenied, deciding, report }: Suggestion, paint: Paint): string[] {
  const lines = [
    paint('bold', 'Suggestion: spares 99 % of the keys, and lets the least through in a minute'),
    `  await app.register(rateLimit, ${code})`,
    `  would have denied ${counted(keysDenied.count, 'key')}, ${percent(keysDenied.share)} of all`,
  ]
  if (report !== null) {
    const { denied, requests } = report
    lines.push(`  and ${whole(denied.count)} of ${counted(requests, 'request')}, ${percent(denied.share)}`)
  }
  const rows = deciding.map(({ key, requests, burst }) => [key, whole(requests), whole(burst)])
  return [...lines, ...table([['keys that need most', 'requests', 'least burst'], ...rows], head(paint))]
}

import { cellsOf, counted, percent, span, whole } from '../output/numbers.js'
import type { Advice, FileReport, PolicyReport, ReplayReport, Suggestion } from '../report.js'
import { curveChart, peaksChart } from './advice-charts.js'
import { html, type Markup } from './markup.js'
import { STYLE } from './style.js'
import { timelineChart } from './timeline-chart.js'

/**
 * The report as one file of HTML, with charts. It asks no host for anything, and runs no script. All that
 * came from logs is escaped.
 */
export function pageOf(report: ReplayReport): string {
  const { files, policies, advice } = report
  const title = `Replay of ${files.length === 1 ? files[0].file : counted(files.length, 'file')}`
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
<main>
<h1>${title}</h1>
${summary(report)}
${policies.length > 1 ? comparison(policies) : null}
${policies.map((policy) => policySection(policy))}
${advice === null ? null : adviceSections(advice)}
</main>
</html>
`.text
}

function summary({
  files,
  from,
  to,
  requests,
  keys,
  key,
  leftOut,
  otherLines,
  outOfOrder,
}: ReplayReport): Markup {
  const notes = [
    leftOut > 0 && `${counted(leftOut, 'request')} left out`,
    otherLines > 0 && `${counted(otherLines, 'line')} without a request`,
    outOfOrder > 0 && `${counted(outOfOrder, 'request')} out of order, which count with those around them`,
  ].filter((note) => note !== false)
  return html`<p class="soft">${from !== null && to !== null ? `${span(from, to)} UTC` : 'no requests'}, counted by ${key}</p>
${tiles([
  ['', whole(requests), 'requests'],
  ['', whole(keys), 'keys'],
])}
${notes.length === 0 ? null : html`<p class="soft">${notes.join('; ')}</p>`}
${files.map(fileWarning)}`
}

function fileWarning({ file, lines, unreadableLines, unreadable, damage }: FileReport): Markup | null {
  if (unreadable === null && damage === null) return null
  const first =
    unreadable &&
    html`<p>${counted(unreadableLines, 'line')} of ${whole(lines)} are not readable. The first is line ${unreadable.line}: ${unreadable.reason}</p><pre>${unreadable.text}</pre>`
  return html`<section class="warning"><h2>${file}</h2>${damage && html`<p>It ${damage}.</p>`}${first}</section>`
}

function tiles(entries: readonly (readonly [name: string, value: string, text: string])[]): Markup {
  return html`<div class="tiles">${entries.map(([name, value, text]) => html`<div class="${name}"><b>${value}</b><span>${text}</span></div>`)}</div>`
}

function table(head: readonly string[], rows: readonly (readonly string[])[], chosen = -1): Markup {
  return html`<div class="scroll"><table><thead><tr>${head.map((cell) => html`<th>${cell}</th>`)}</tr></thead><tbody>
${rows.map((row, i) => html`<tr class="${i === chosen ? 'chosen' : ''}">${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody></table></div>`
}

function comparison(policies: readonly PolicyReport[]): Markup {
  const rows = policies.map(cellsOf)
  return html`<section><h2>All policies</h2>${table(['policy', 'denied', 'of all', 'keys denied', 'of all'], rows)}</section>`
}

function policySection(policy: PolicyReport): Markup {
  return html`<section><h2>${policy.name}</h2>${outcome(policy)}</section>`
}

function outcome(policy: PolicyReport): Markup {
  const { denied, blocked, delayed, keysDenied, withoutDuration, timeline } = policy
  const color = denied.count === 0 ? 'good' : 'bad'
  return html`${tiles([
    [color, percent(denied.share), `of the requests denied: ${whole(denied.count)}`],
    [color, percent(keysDenied.share), `of the keys denied at least once: ${whole(keysDenied.count)}`],
    ...(blocked.count > 0 ? [['', whole(blocked.count), 'denied while blocked'] as const] : []),
    ...(delayed.count > 0 ? [['', whole(delayed.count), 'delayed'] as const] : []),
  ])}
${withoutDuration > 0 ? html`<p>${counted(withoutDuration, 'request')} without a duration: they end when they arrive.</p>` : null}
${timeline.from === null ? null : html`<figure>${timelineChart(timeline)}</figure>`}
${denied.count === 0 ? null : denials(policy)}`
}

function denials({ hardest, longestRun }: PolicyReport): Markup {
  const run =
    longestRun &&
    html`<p class="soft">The longest run: ${counted(longestRun.denials, 'denial')} of ${longestRun.key}, ${span(longestRun.from, longestRun.to)}.</p>`
  const rows = hardest.map(({ key, requests, denied }) => [
    key,
    whole(requests),
    whole(denied),
    percent(denied / requests),
  ])
  return html`<h3>Denied most</h3>${run}${table(['key', 'requests', 'denied', 'share'], rows)}`
}

const SHARES = ['50%', '90%', '99%', '99.9%'] as const
const SHARE_HEADS = SHARES.map((share) => share.replace('%', ' %'))

function adviceSections({ rates, windows, suggestion, ...rest }: Advice): Markup {
  const isChosen = ({ rate, per }: Advice['rates'][number]) =>
    rate === suggestion?.policy.rate && per === suggestion.policy.per
  const buckets = rates.map(({ rate, per, burst }) => [
    `${whole(rate)} per ${per}`,
    ...SHARES.map((share) => whole(burst[share])),
  ])
  const rings = windows.map(({ per, rate }) => [`${per}`, ...SHARES.map((share) => whole(rate[share]))])
  return html`${suggestion && suggestionSection(suggestion)}
<section><h2>Token bucket: rate and burst</h2>
<p class="soft">The least burst that never denies so many of the keys. A higher rate needs a smaller burst.</p>
<figure>${curveChart({ rates, windows, suggestion, ...rest })}</figure>
${table(['rate', ...SHARE_HEADS], buckets, rates.findIndex(isChosen))}</section>
<section><h2>Sliding window: the least rate</h2>
<p class="soft">The least rate that never denies so many of the keys.</p>
${table(['per', ...SHARE_HEADS], rings)}</section>`
}

function suggestionSection(suggestion: Suggestion): Markup {
  const { code, keysDenied, deciding, report } = suggestion
  const rows = deciding.map(({ key, requests, burst }) => [key, whole(requests), whole(burst)])
  return html`<section><h2>Suggestion</h2>
<p>Of the policies that never deny 99 % of the keys, this one lets the least through in a minute.</p>
<pre>await app.register(rateLimit, ${code})</pre>
${report === null ? tiles([['', percent(keysDenied.share), `of the keys denied: ${whole(keysDenied.count)}`]]) : outcome(report)}
<h3>What keys need</h3>
<p class="soft">Keys by the least burst with which they are never denied at this rate. The line is the suggested burst.</p>
<figure>${peaksChart(suggestion)}</figure>
${table(['keys that need most', 'requests', 'least burst'], rows)}</section>`
}

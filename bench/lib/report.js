import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { BENCH } from './build.js'

const RESULTS = join(BENCH, 'results')

/** What the figures depend on, as a line of Markdown each. */
export function circumstances(name, packages = []) {
  const [{ model }] = cpus()
  const flags = process.argv.slice(2).join(' ')
  const lines = [
    `Machine: ${model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    `Node.js: ${process.version}, V8 ${process.versions.v8}`,
    `Command: \`node bench/${name}.js${flags && ` ${flags}`}\``,
  ]
  if (packages.length > 0) lines.push(`Peers: ${packages.map((one) => `${one} ${version(one)}`).join(', ')}`)
  return lines
}

function version(name) {
  return JSON.parse(readFileSync(join(BENCH, 'node_modules', name, 'package.json'), 'utf8')).version
}

/** A Markdown table; columns after the first are right-aligned. */
export function table(columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  const ruler = columns.map((_, i) => (i === 0 ? '---' : '---:'))
  return [line(columns), line(ruler), ...rows.map(line)].join('\n')
}

/** One line a target: what was measured beside what was wanted. */
export function verdicts(targets) {
  const rows = targets.map(({ what, limit, measured, unit = '', digits = 2 }) => [
    what,
    `at most ${limit}${unit}`,
    `${measured.toFixed(digits)}${unit}`,
    measured <= limit ? 'met' : 'missed',
  ])
  return table(['target', 'wanted', 'measured', ''], rows)
}

/** Writes `results/<name>.md` and, where there is a chart, `results/<name>.svg`, and prints the page. */
export function publish({ name, title, about, packages, sections, chart }) {
  const parts = [
    `# ${title}`,
    about,
    circumstances(name, packages)
      .map((line) => `- ${line}`)
      .join('\n'),
    ...sections,
  ]
  if (chart !== undefined) parts.push(`![${title}](${name}.svg)`)
  const page = `${parts.join('\n\n')}\n`
  console.log(page)
  // A run of one's own is no result to keep.
  if (process.argv.length > 2) return
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, `${name}.md`), page)
  if (chart !== undefined) writeFileSync(join(RESULTS, `${name}.svg`), `${chart}\n`)
}

/** A number with so many digits that three count, thousands apart. */
export function figure(number) {
  if (!Number.isFinite(number)) return '-'
  if (Math.abs(number) < 0.005) return '0'
  const digits = Math.min(2, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(number)))))
  return number.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits })
}

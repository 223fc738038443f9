/** The columns of a terminal that everybody has. */
export const WIDTH = 80
/** Spaces before a table and between its columns. */
const GAP = 2

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'
/** Writes text in a style, or as it is. */
export type Paint = (style: Style, text: string) => string

const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 }

/** Styles of ANSI terminals (ECMA-48, section 8.3.117), where `colors` is set. */
export function painter(colors: boolean): Paint {
  return (style, text) => (colors ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text)
}

/**
 * Lines of a table: the first column to the left, the others to the right. The first column is cut where the
 * table would be wider than a terminal. `paint` gets each line with its number, from 0 on for the head.
 */
export function table(
  rows: readonly (readonly string[])[],
  paint: (line: string, row: number) => string = (line) => line,
): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const others = widths.slice(1).reduce((sum, width) => sum + GAP + width, GAP)
  widths[0] = Math.min(widths[0], WIDTH - others)
  return rows.map((row, number) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cut(cell, widths[0]).padEnd(widths[0]) : cell.padStart(widths[column]),
    )
    return paint(' '.repeat(GAP) + cells.join(' '.repeat(GAP)).trimEnd(), number)
  })
}

export function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text
}

const BARS = ' ▁▂▃▄▅▆▇█'

/** Numbers as bars of the height of a line, joined so that there are at most `width`. Only 0 has no bar. */
export function sparkline(numbers: readonly number[], width: number): string {
  const joined = Math.ceil(numbers.length / width)
  const sums = Array.from({ length: Math.ceil(numbers.length / joined) }, (_, i) =>
    numbers.slice(i * joined, (i + 1) * joined).reduce((a, b) => a + b),
  )
  const most = Math.max(...sums, 1)
  return sums.map((sum) => BARS[Math.ceil((sum / most) * (BARS.length - 1))]).join('')
}

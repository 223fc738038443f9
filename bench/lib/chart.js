import { parse, View } from 'vega'
import { compile } from 'vega-lite'

const CONFIG = {
  background: 'white',
  aria: false,
  font: 'sans-serif',
  axis: { labelFontSize: 11, labelLimit: 320, titleFontSize: 11, titleFontWeight: 'normal', grid: true },
  header: { labelFontSize: 11, title: null },
  legend: { title: null, labelFontSize: 11, orient: 'bottom' },
  title: { fontSize: 13, anchor: 'start' },
}

const HEADER = { labelAngle: 0, labelAlign: 'left', labelLimit: 300 }

/** Ours stands out, in the same colour everywhere. */
const OURS = '#0b6e4f'
const OTHERS = ['#c9a66b', '#8fa3bf', '#b58db6', '#a9a9a9', '#d98880']

/** Bars side by side: `rows` of `{ group, contender, value }`. */
export function bars({ title, unit, rows }) {
  return draw({
    title,
    data: { values: rows },
    facet: { row: { field: 'group', sort: [...new Set(rows.map(({ group }) => group))], header: HEADER } },
    spec: {
      width: 420,
      height: { step: 15 },
      layer: [
        { mark: 'bar' },
        {
          mark: { type: 'text', align: 'left', dx: 3, fontSize: 10 },
          encoding: { text: { field: 'label' }, color: { value: '#333' } },
        },
      ],
      encoding: {
        y: { field: 'contender', sort: null, title: null, axis: { labelLimit: 320 } },
        x: { field: 'value', type: 'quantitative', title: unit },
        color: { field: 'contender', scale: colours(rows), legend: null },
      },
    },
    spacing: 6,
  })
}

/** Lines over a logarithmic axis: `rows` of `{ x, contender, value }`. */
export function lines({ title, xTitle, unit, rows }) {
  return draw({
    title,
    data: { values: rows },
    width: 520,
    height: 260,
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: xTitle, scale: { type: 'log' } },
      y: { field: 'value', type: 'quantitative', title: unit, scale: { zero: true } },
      color: { field: 'contender', sort: null, scale: colours(rows) },
    },
  })
}

function colours(rows) {
  const domain = [...new Set(rows.map(({ contender }) => contender))]
  let other = 0
  const range = domain.map((name) => (name.startsWith('floodgate') ? OURS : OTHERS[other++ % OTHERS.length]))
  return { domain, range }
}

function draw(chart) {
  const { spec } = compile({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    config: CONFIG,
    ...chart,
  })
  return new View(parse(spec), { renderer: 'none' }).toSVG()
}

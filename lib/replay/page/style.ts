import { Markup } from './markup.js'

const LIGHT = `--ink: #1c2430; --soft: #5b6675; --page: #f5f6f8; --card: #fff; --rule: #dfe3e8;
    --good: #1a7f4b; --allowed: #8fb4e3; --denied: #d1421f; --half: #9db7d5; --most: #5f93cf;
    --nearly: #1f5fae; --all: #10335f;`
const DARK = `--ink: #e6e9ee; --soft: #9aa5b4; --page: #12161c; --card: #1b2129; --rule: #2d3641;
    --good: #5ecb95; --allowed: #46719f; --denied: #ff7a55; --half: #46617f; --most: #5f93cf;
    --nearly: #8fc1ff; --all: #dcebff;`

/** A colour for each share of the keys, in lines, dots and the legend. */
const SHARES = ['half', 'most', 'nearly', 'all']
  .map(
    (name) =>
      `path.${name} { stroke: var(--${name}) } .${name} { fill: var(--${name}); background: var(--${name}) }`,
  )
  .join('\n  ')

/** The style of the page, for light and dark screens and for paper. */
export const STYLE = new Markup(`
  :root { color-scheme: light dark; ${LIGHT} }
  @media (prefers-color-scheme: dark) { :root { ${DARK} } }
  * { box-sizing: border-box }
  body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
  main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem }
  h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere }
  h2 { font-size: 1.15rem; margin: 0 0 .5rem; overflow-wrap: anywhere }
  h3 { font-size: 1rem; margin: 1.5rem 0 .25rem }
  p { margin: .25rem 0 }
  .soft { color: var(--soft) }
  section { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem;
    padding: 1.1rem 1.25rem; margin-top: 1rem }
  .warning { border-left: 4px solid var(--denied) }
  .tiles { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; margin: .5rem 0 1rem }
  .tiles div { min-width: 7rem }
  .tiles b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums }
  .tiles .bad b { color: var(--denied) }
  .tiles .good b { color: var(--good) }
  .tiles span { color: var(--soft); font-size: .9rem }
  figure { margin: 1rem 0 0; overflow-x: auto }
  svg { display: block; width: 100%; min-width: 34rem; height: auto }
  svg text { font: 11px system-ui, sans-serif; fill: var(--soft); paint-order: stroke;
    stroke: var(--card); stroke-width: 3px }
  svg .strong { fill: var(--ink); font-weight: 600; font-size: 12px }
  .grid { stroke: var(--rule) }
  .axis { stroke: var(--soft); fill: none }
  .allowed { fill: var(--allowed); background: var(--allowed) }
  .denied { fill: var(--denied); background: var(--denied) }
  ${SHARES}
  path.line { fill: none; stroke-width: 2 }
  path.all { stroke-dasharray: 6 4 }
  .limit { stroke: var(--denied); stroke-width: 2; stroke-dasharray: 5 4 }
  .mark { fill: none; stroke: var(--denied); stroke-width: 2.5 }
  .legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; color: var(--soft); font-size: .85rem }
  .legend i { display: inline-block; width: .8em; height: .8em; border-radius: .2em; margin-right: .4em }
  .scroll { overflow-x: auto }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; margin-top: .5rem }
  th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--rule); white-space: nowrap }
  th { color: var(--soft); font-weight: 500; font-size: .85rem }
  th:first-child, td:first-child { text-align: left; padding-left: 0; min-width: 9rem;
    white-space: normal; overflow-wrap: anywhere }
  .chosen td { color: var(--good); font-weight: 600 }
  pre { background: var(--page); border: 1px solid var(--rule); border-radius: .4rem; padding: .7rem .9rem;
    overflow-x: auto; font: 13px/1.5 ui-monospace, monospace }
  @media print { body { background: none } section { break-inside: avoid } }
`)

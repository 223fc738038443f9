// Compiles lib/ and types/ into dist/, from nothing, and puts the console's page beside its server.
import { chmodSync, copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { transform } from 'esbuild'
import { ROOT, run, TSC } from './shared/run.js'

const PAGE = 'lib/console/page/'
const UPLOT = `${ROOT}node_modules/uplot/`

async function buildPage() {
  const target = `${ROOT}dist/${PAGE}`
  cpSync(`${ROOT}${PAGE}`, target, { recursive: true, filter: (path) => !path.endsWith('.ts') })
  const source = readFileSync(`${UPLOT}dist/uPlot.esm.js`, 'utf8')
  const banner = '/*! uPlot, MIT License: see uplot.LICENSE.txt */'
  const { code } = await transform(source, { minify: true, format: 'esm', target: 'es2022', banner })
  writeFileSync(`${target}uplot.js`, code)
  copyFileSync(`${UPLOT}dist/uPlot.min.css`, `${target}uplot.css`)
  copyFileSync(`${UPLOT}LICENSE`, `${target}uplot.LICENSE.txt`)
}

rmSync(`${ROOT}dist`, { recursive: true, force: true })
const { ok } = await run(process.execPath, [TSC, '-p', 'tsconfig.build.json'])
if (ok) {
  await buildPage()
  // npx runs it by its name, and npm makes it executable only once.
  chmodSync(`${ROOT}dist/lib/cli.js`, 0o755)
}
process.exit(ok ? 0 : 1)

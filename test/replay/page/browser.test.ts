import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Test, test } from 'tap'
import { pageOf } from '../../../lib/replay/page/page.js'
import { replay } from '../../../lib/replay.js'
import { newPage, skip } from '../../fixtures/chromium.js'

/** The page of the sample log, in a file. */
async function samplePage(t: Test): Promise<string> {
  const report = await replay({
    files: new URL('../../../examples/replay/access.log.gz', import.meta.url),
    policies: [
      { rate: 60, per: 'minute', burst: 20 },
      { algorithm: 'sliding-window', rate: 60, per: 'minute' },
    ],
    advice: true,
  })
  const path = join(t.testdir({}), 'report.html')
  writeFileSync(path, pageOf(report))
  return pathToFileURL(path).href
}

test('a report is seen as it is meant, wide and narrow, and asks nobody for anything', {
  skip,
}, async (t) => {
  const address = await samplePage(t)
  for (const width of [1200, 390]) {
    const page = await newPage(t, { viewport: { width, height: 800 } })
    const asked: string[] = []
    const said: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => said.push(message.text()))
    await page.goto(address)
    t.same([asked, said], [[address], []], `${width}: one file, and no complaint`)
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, 'nothing sticks out')
    const charts = page.locator('svg[role=img]')
    t.equal(await charts.count(), 5)
    for (const chart of await charts.all()) {
      const box = await chart.boundingBox()
      t.ok(box !== null && box.width > 300 && box.height > 100, 'a chart has room')
      t.ok(await chart.getAttribute('aria-label'))
    }
  }
})

test('denials are drawn in their colour, in light and in darkness', { skip }, async (t) => {
  const address = await samplePage(t)
  const seen: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await newPage(t, { colorScheme })
    await page.goto(address)
    const red = page.locator('svg rect.denied').first()
    const style = async (property: string, of = red) =>
      String(
        await of.evaluate(
          (element, name) =>
            element.ownerDocument.defaultView?.getComputedStyle(element).getPropertyValue(name),
          property,
        ),
      )
    const box = await red.boundingBox()
    t.ok(box !== null && box.height >= 1, 'it is seen, however small')
    seen.push(await style('fill'), await style('background-color', page.locator('body')))
  }
  t.equal(new Set(seen).size, 4, seen.join(', '))
})

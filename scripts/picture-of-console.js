// Makes docs/console.webp, the picture of the console: `node --import=tsx scripts/picture-of-console.js`. It
// needs Chromium. The visitors of examples/console come for a quarter of an hour, which a clock makes short.
import { writeFileSync } from 'node:fs'
import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { chromium } from 'playwright-core'

const [picture = 'docs/console.webp', colorScheme = 'light'] = process.argv.slice(2)
const QUARTER = 15 * 60_000
const STEP = 50
/** At three in the morning the scraper is at work. */
const END = Date.parse('2027-01-31T03:06:40Z')

/** Chance without surprises, so that each picture shows the same. */
let seed = 7
Math.random = () => {
  seed = (seed * 48_271) % 2_147_483_647
  return seed / 2_147_483_647
}

// Time begins a quarter of an hour before the end, and goes as far as it is told.
mock.timers.enable({ apis: ['setTimeout', 'Date'], now: END - QUARTER })
const began = Date.now()
performance.now = () => Date.now() - began + 1000
process.hrtime = () => {
  const ms = performance.now()
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
}
const { buildApp } = await import('../examples/console/app.ts')
const { populate } = await import('../examples/console/population.ts')
const app = await buildApp('secret')
await app.ready()

let leave
const headers = (from) => ({ 'x-forwarded-for': from })
const come = () => {
  leave = new AbortController()
  populate((from, method, url) => app.inject({ method, url, headers: headers(from) }), leave.signal)
}
come()
for (let ms = 0; ms < QUARTER; ms += STEP) {
  if (ms === QUARTER - 4 * 60_000)
    app.rateLimit.update('default', { rate: 120, per: 'minute', burst: 20 }, said('back from 60: too low'))
  if (ms === QUARTER - 90_000)
    app.rateLimit.override(
      'search',
      '198.51.100.12',
      { rate: 300, per: 'minute' },
      said('price comparison, a partner'),
    )
  if (ms === QUARTER - 40_000)
    await app.rateLimit.block(
      'default',
      '192.0.2.144',
      '1 hour',
      said('a job without a pause; its owner knows'),
    )
  // What waits or is in progress ends before the clock changes.
  if (ms === QUARTER - 2000) leave.abort()
  mock.timers.tick(STEP)
  await turn()
}

function said(comment) {
  return { who: 'operator', comment }
}

// Time goes on by itself from there.
mock.timers.reset()
const { Date: Real } = globalThis
const late = Real.now() - END
globalThis.Date = class extends Real {
  constructor(...given) {
    super(...(given.length > 0 ? given : [Real.now() - late]))
  }
  static now = () => Real.now() - late
}
come()
const address = await app.listen({ host: '127.0.0.1', port: 0 })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const page = await browser.newPage({
  viewport: { width: 1280, height: 1350 },
  colorScheme,
  locale: 'en-GB',
  timezoneId: 'UTC',
  httpCredentials: { username: 'operator', password: 'secret' },
})
await page.goto(`${address}/limits/`)
await page.locator('main[data-loaded]').waitFor()
// No process number, no port: they would differ from picture to picture.
await page.evaluate("document.getElementById('host').textContent = 'shop.example'")
await new Promise((done) => setTimeout(done, 12_000))
// Down to the changes: below are names of this machine.
const { y, height } = await page.locator('#changes').boundingBox()
const clip = { x: 0, y: 0, width: 1280, height: Math.ceil(y + height + 12) }
const png = (await page.screenshot({ clip, fullPage: true })).toString('base64')
const drawing = await browser.newPage()
const webp = await drawing.evaluate(`(async () => {
  const png = await (await fetch('data:image/png;base64,${png}')).blob()
  const image = await createImageBitmap(png)
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
  canvas.getContext('2d').drawImage(image, 0, 0)
  return canvas.toDataURL('image/webp', 0.86)
})()`)
writeFileSync(picture, Buffer.from(webp.split(',')[1], 'base64'))
leave.abort()
await browser.close()
await app.close()
process.exit()

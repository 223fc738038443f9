import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { test } from 'tap'
import { startServer } from './child.js'

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const browserPath = BROWSERS.find((path) => existsSync(path))

const skip =
  browserPath === undefined && process.env.CI !== 'true' && 'no Chromium here: apt-get install chromium'

test('a reader of /docs finds the 429 of a limited operation, with its headers and policy', {
  skip,
}, async (t) => {
  t.ok(browserPath, 'with CI=true a browser is required: apt-get install chromium')
  const { address } = await startServer(t, 'examples/api-server/server.ts')
  // Chromium has no sandbox for root, and containers run their tests as root.
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu'],
  })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  await page.goto(`${address}/docs`)
  const text = async (path: string) => {
    const operation = page.locator('.opblock', { has: page.locator(`[data-path="${path}"]`) })
    await operation.locator('.opblock-summary').click()
    await operation.locator('.responses-table').waitFor()
    return operation.innerText()
  }
  const check = await text('/api/v1/check')
  t.match(check, /429/)
  t.match(
    check,
    'Too many requests. At most 100 requests a minute, 10 at once, for each API key. Over all operations, at most 3,000 requests a minute, 500 at once, for each client address.',
  )
  t.match(check, /x-ratelimit-limit/i)
  t.match(check, /x-ratelimit-remaining/i)
  t.match(check, /retry-after/i)
  t.match(check, /FST_FLOODGATE_DENIED|statusCode/)
  t.match(await text('/api/v1/search'), 'At most 30 requests in any minute, for each client address.')
  t.notMatch(await text('/health'), /429/, 'an exempt route documents none')
})

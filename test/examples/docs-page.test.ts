import { test } from 'tap'
import { newPage, skip } from '../fixtures/chromium.js'
import { startServer } from './child.js'

test('a reader of /docs finds the 429 of a limited operation, with its headers and policy', {
  skip,
}, async (t) => {
  const { address } = await startServer(t, 'examples/api-server/server.ts')
  const page = await newPage(t)
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

import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { type Test, test } from 'tap'
import rateLimitConsole from '../../../../lib/console.js'
import rateLimit from '../../../../lib/index.js'
import { newPage, openPage, skip } from '../../../fixtures/chromium.js'
import { until } from '../../../fixtures/redis/until.js'
import { isLive, lookUp, openDialog, openExample, openForm, rowOf, says } from './console-page.js'

/** An app whose limiter counts by a header, which shows keys as they are, and whose stream may be refused. */
async function startApp(t: Test, { stream = true } = {}) {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(rateLimit, {
    rate: 2,
    per: 'hour',
    burst: 2,
    warnings: false,
    key: (request) => decodeURIComponent(String(request.headers['x-client'] ?? 'nobody')),
    offenders: { show: (key) => key },
  })
  await app.register(rateLimitConsole, {
    prefix: '/limits',
    onRequest: async (request, reply) => {
      if (!stream && request.url.endsWith('/stream')) return reply.code(502).send('no stream')
    },
  })
  app.get('/', async () => 'hello')
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const ask = async (client: string, times: number) => {
    for (let i = 0; i < times; i++)
      await fetch(address, { headers: { 'x-client': encodeURIComponent(client) } })
  }
  return { address, app, ask }
}

const HOSTILE = [
  '<script>document.title = "pwned"</script>',
  '<img src=x onerror="document.title = \'pwned\'">',
  '"><svg onload=alert(1)>',
  'invoice\u202egpj.exe',
  'x'.repeat(15_000),
  '👩‍👩‍👧‍👦',
  'a\u0000b\nc',
]

test('keys that attackers send are text, whatever they hold', { skip }, async (t) => {
  const { address, ask } = await startApp(t)
  // A header of 15,000 characters is more than Node.js takes with the others, unless they are few.
  for (const key of HOSTILE) await ask(key, 4)
  const { page, complaints } = await openPage(t, `${address}/limits/`, {
    viewport: { width: 1280, height: 900 },
  })
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await isLive(page)
  const text = await page.getByRole('region', { name: 'Offenders' }).innerText()
  t.match(text, '<script>document.title = "pwned"</script>')
  t.match(text, 'invoice\\u202egpj.exe')
  t.match(text, '… (15,000 characters)')
  t.match(text, 'a\\u0000b\\u000ac')
  t.equal(await page.locator('#offenders script, #offenders img, #offenders svg').count(), 0)
  t.equal(await page.evaluate('document.documentElement.scrollWidth'), 1280)
  for (const part of ['<script>', '15,000 characters']) {
    const row = await rowOf(page, 'Offenders', part)
    await row.getByRole('button').click()
    const dialog = await openDialog(page)
    await (await openForm(page, 'Reset')).getByRole('button', { name: 'Reset this key' }).click()
    await says(page, 'Reset')
    await dialog.getByText('2 of 2 left').waitFor()
    await page.keyboard.press('Escape')
  }
  await lookUp(page, 'default', HOSTILE[1])
  await page.keyboard.press('Escape')
  t.equal(await page.title(), 'Rate limits')
  t.same(complaints, [])
  for (const url of asked) t.notMatch(url, /script|xxx|img|\?/, 'no key is in an address')
})

test('numbers move with the traffic, in words, on tiles, in the chart of one limiter and in its table', {
  skip,
}, async (t) => {
  const { ask, complaints, page } = await openExample(t)
  const tile = (name: string) => page.locator(`.tile.${name} b`)
  t.equal(await tile('denied').innerText(), '0')
  await page.getByRole('heading', { name: 'No decisions in the last minute.' }).waitFor()
  const announced = page.locator('#announce')
  t.equal(await announced.textContent(), '')
  await page.evaluate(`window.said = 0
    new MutationObserver(() => { window.said++ }).observe(document.getElementById('announce'), { childList: true, characterData: true, subtree: true })`)
  await ask('203.0.113.30', 80)
  await page.locator('.tile.denied:not([data-zero])').waitFor()
  await page.getByRole('heading', { name: /One client causes most denials/ }).waitFor()
  await page.locator('.tile.denied[data-zero]').waitFor()
  t.match(await announced.textContent(), /One client causes most denials/)
  // Nobody is denied, then somebody is: once each, and nothing of the numbers that move each second.
  t.ok(Number(await page.evaluate('window.said')) <= 2, 'a screen reader hears what changed only')
  t.equal(await page.locator('[aria-live=polite], [aria-live=assertive]').count(), 0)
  await page.getByText('The chart as a table').click()
  const table = page.locator('#chart-table')
  await table.locator('tr').first().waitFor()
  t.match(await table.locator('tr').first().innerText(), /^\d+:\d\d:\d\d/)
  await page.getByRole('button', { name: 'Chart of search' }).click()
  t.equal(await page.getByLabel('Chart of', { exact: true }).inputValue(), 'search')
  t.match(await page.locator('#chart').getAttribute('aria-label'), /15 minutes: search/)
  const box = await page.locator('#chart canvas').boundingBox()
  t.ok(box !== null && box.width > 300 && box.height > 100)
  await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + 50)
  await page.locator('#chart-readout', { hasText: /^\d+:\d\d:\d\d/ }).waitFor()
  t.same(complaints, [])
})

test('without a stream the page asks again and again', { skip }, async (t) => {
  const { address, ask } = await startApp(t, { stream: false })
  const { page } = await openPage(t, `${address}/limits/`)
  await page.locator('#status[data-mode=asking]').waitFor()
  t.equal(await page.locator('#status').innerText(), 'Live, every 3 s')
  await ask('somebody', 10)
  await rowOf(page, 'Offenders', 'somebody')
})

test('what is old is grey and says since when, until the server is back', { skip }, async (t) => {
  const { address, app } = await startApp(t)
  const { page } = await openPage(t, `${address}/limits/`)
  await isLive(page)
  await app.close()
  await page.locator('#status[data-mode=stale]').waitFor()
  t.match(await page.locator('#status').innerText(), /^No data since \d+:\d\d:\d\d/)
  t.match(await page.getByRole('alert').innerText(), /^No data since .*The server does not answer\./)
  t.match(await page.evaluate("getComputedStyle(document.querySelector('main')).filter"), /grayscale/)

  const listenAgain = async () => {
    const again = Fastify({ forceCloseConnections: true })
    t.teardown(() => again.close())
    await again.register(rateLimit, { rate: 60, per: 'minute' })
    await again.register(rateLimitConsole, { prefix: '/limits', public: true })
    await again.listen({ host: '127.0.0.1', port: Number(new URL(address).port) })
    return true
  }
  await until('the port to be free', listenAgain)
  await page.getByRole('button', { name: 'Ask now' }).click()
  await page.locator('#status[data-mode=live], #status[data-mode=asking]').waitFor()
  t.equal(await page.getByRole('alert').count(), 0)
  t.equal(await page.locator('#announce').textContent(), 'The numbers are live again.')
})

test('a page that has no numbers yet says so, and why where they do not come', { skip }, async (t) => {
  const { address } = await startApp(t)
  const page = await newPage(t)
  let load = () => {}
  const loading = new Promise<void>((done) => {
    load = done
  })
  const refusal = {
    status: 500,
    json: { statusCode: 500, error: 'Internal Server Error', message: 'out of order' },
  }
  await page.route('**/api/**', async (route) => {
    await loading
    await route.fulfill(refusal)
  })
  await page.goto(`${address}/limits/`)
  await page.getByRole('heading', { name: 'Loading the numbers' }).waitFor()
  t.equal(await page.locator('#status').innerText(), 'Loading')
  load()
  await page.getByRole('heading', { name: 'The numbers could not be loaded' }).waitFor()
  t.match(await page.getByRole('alert').innerText(), 'There is no data. out of order')
  await page.unroute('**/api/**')
  await page.getByRole('button', { name: 'Ask now' }).click()
  await page.locator('main[data-loaded]').waitFor()
})

test('the page works below the path of a proxy', { skip }, async (t) => {
  const { address, ask } = await startApp(t)
  const proxy = createServer((incoming, answer) => {
    const path = incoming.url?.replace(/^\/ops\/shop/, '') ?? '/'
    const outgoing = request(
      address + path,
      { method: incoming.method, headers: incoming.headers },
      (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers)
        reply.pipe(answer)
      },
    )
    answer.on('close', () => outgoing.destroy())
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  t.teardown(() => proxy.closeAllConnections())
  t.teardown(() => proxy.close())
  const { port } = proxy.address() as AddressInfo
  await ask('somebody', 5)
  const { page, complaints } = await openPage(t, `http://127.0.0.1:${port}/ops/shop/limits/`)
  await isLive(page)
  await lookUp(page, 'default', 'somebody')
  await (await openForm(page, 'Reset')).getByRole('button', { name: 'Reset this key' }).click()
  await says(page, 'Reset')
  t.same(complaints, [])
})

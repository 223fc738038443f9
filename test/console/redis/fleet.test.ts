import { test } from 'tap'
import { redisStore } from '../../../lib/redis.js'
import { openPage, skip } from '../../fixtures/chromium.js'
import { clients } from '../../fixtures/redis/clients.js'
import { startRedis } from '../../fixtures/redis/server.js'
import { until } from '../../fixtures/redis/until.js'
import { Member } from '../../plugin/redis/fleet/processes.js'
import { isLive, lookUp, openForm, rowOf, says } from '../page/browser/console-page.js'
import { openConsole } from '../support/console.js'

const KEY = '198.51.100.7'

test('the page has each process of a fleet and their sum, and what one does there holds in all', {
  skip,
}, async (t) => {
  const server = await startRedis(t)
  const { client, close } = await clients[0].single(server)
  t.teardown(close)
  const options = { rate: 3, burst: 3, per: 'hour', warnings: false, log: false } as const
  // No decision is made without the store because a machine is busy.
  const store = redisStore({ client: client as never, timeout: 5000 })
  const { address } = await openConsole(t, { limits: { ...options, store: store as never } })
  const start = () => Member.start(t, { port: server.port, options, store: { lease: 1, timeout: 5000 } })
  const [one, two] = await Promise.all([start(), start()])
  const { page, complaints } = await openPage(t, `${address}/limits/`)
  await isLive(page)
  const rowFor = ({ pid }: { pid: number }) => rowOf(page, 'Processes', `· ${pid}`)
  t.match(await (await rowFor(process)).innerText(), /this one/)
  const sum = await rowOf(page, 'Processes', 'All together')
  for (const member of [one, two])
    await (await rowFor(member)).getByRole('cell', { name: 'up', exact: true }).waitFor()
  t.match(await page.locator('#fleet-note').innerText(), '3 processes')

  await one.ask(null, 'hammer')
  for (const row of [await rowFor(one), sum]) await row.locator('td.denied:not(.zero)').first().waitFor()
  t.equal(await (await rowFor(two)).locator('td.denied:not(.zero)').count(), 0, 'the other one denies nobody')
  await one.ask(null, 'rest')

  await lookUp(page, 'default', KEY)
  const form = await openForm(page, 'Block')
  await form.getByLabel('Block for', { exact: true }).fill('1')
  await form.getByLabel('Block for: unit').selectOption('hours')
  await form.getByRole('button', { name: 'Block this key' }).click()
  await says(page, /^Blocked for/)
  for (const member of [one, two])
    await until('the block', async () => (await member.peek(KEY)).allowed === false)
  const override = await openForm(page, 'Override')
  await override.getByLabel('no limit at all').check()
  await override.getByRole('button', { name: 'Set the override' }).click()
  await says(page, 'The override is in force.')
  for (const member of [one, two])
    await until('the override', async () => (await member.take(KEY, 100)).allowed)
  await page.keyboard.press('Escape')
  await two.override('192.0.2.99', { rate: 7, burst: 7, per: 'hour' }, { comment: 'by another process' })
  await rowOf(page, 'Overrides', '192.0.2.99')
  await page.getByRole('region', { name: 'Changes' }).getByText('by another process').waitFor()

  const gone = await rowFor(two)
  two.kill()
  await gone.waitFor({ state: 'detached' })
  t.match(await page.locator('#fleet-note').innerText(), '2 processes')
  t.same(complaints, [])
})

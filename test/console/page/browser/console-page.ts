import type { BrowserContextOptions } from 'playwright-core'
import type { Test } from 'tap'
import { buildApp } from '../../../../examples/console/app.js'
import { openPage, type Page } from '../../../fixtures/chromium.js'

const PASSWORD = 'open-sesame'
export const CREDENTIALS: BrowserContextOptions = {
  httpCredentials: { username: 'operator', password: PASSWORD },
}

/** The example of the console without its visitors, and a client of its API. */
export async function startExample(t: Test) {
  const app = await buildApp(PASSWORD)
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const call = (from: string, path = '/products', method = 'GET') =>
    fetch(address + path, { method, headers: { 'x-forwarded-for': from } })
  /** The status codes of so many requests of a client, one after the other. */
  const ask = async (from: string, times = 1, path = '/products', method = 'GET') => {
    const codes = []
    for (let i = 0; i < times; i++) codes.push((await call(from, path, method)).status)
    return codes
  }
  return { address: `${address}/limits/`, app, ask, call }
}

/** The same, and its page. */
export async function openExample(t: Test, options: BrowserContextOptions = {}) {
  const example = await startExample(t)
  const { page, complaints } = await openPage(t, example.address, { ...CREDENTIALS, ...options })
  await isLive(page)
  return { ...example, complaints, page }
}

export async function isLive(page: Page) {
  await page.locator('#status[data-mode=live]').waitFor()
  await page.locator('main[data-loaded]').waitFor()
}

/** Looks a key up by the form, and waits for its dialog. */
export async function lookUp(page: Page, limiter: string, key: string) {
  const form = page.getByRole('region', { name: 'Look a key up' })
  await form.getByLabel('Limiter').selectOption(limiter)
  await form.getByLabel('Key').fill(key)
  await form.getByRole('button', { name: 'Look up' }).click()
  return openDialog(page)
}

export async function openDialog(page: Page) {
  const dialog = page.locator('dialog[open]')
  await dialog.waitFor()
  return dialog
}

/** Opens one of the forms of a key: Reset, Block, Override. */
export async function openForm(page: Page, name: string) {
  const form = page
    .locator('dialog[open] details', { has: page.locator('summary', { hasText: name }) })
    .first()
  await form.locator('summary').first().click()
  return form
}

/** Waits until the dialog says so. */
export async function says(page: Page, text: string | RegExp) {
  await page.locator('dialog[open] > .result', { hasText: text }).waitFor()
}

/** Waits for a row of a part of the page that has such a text, and returns it. */
export async function rowOf(page: Page, part: string, text: string) {
  const row = page.getByRole('region', { name: part }).getByRole('row').filter({ hasText: text })
  await row.first().waitFor()
  return row.first()
}

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'tap'
import { type Page, skip } from '../../../fixtures/chromium.js'
import { lookUp, openDialog, openExample, openForm, rowOf } from './console-page.js'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds, one line each. The debugger evaluates it, so the CSP of the page does not bind it. */
async function findings(page: Page, part = 'html'): Promise<string[]> {
  await page.evaluate(AXE)
  const { violations } = (await page.evaluate(`axe.run('${part}')`)) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[]
  }
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html}`)
}

test('axe finds nothing in light and in the dark, wide and on a phone, with and without a dialog', {
  skip,
}, async (t) => {
  const { ask, complaints, page } = await openExample(t)
  await ask('203.0.113.20', 30)
  await ask('203.0.113.21', 12, '/login', 'POST')
  await rowOf(page, 'Offenders', '203.0.113.21')
  await page.getByText('The chart as a table').click()
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['dark', 360],
  ] as const) {
    const where = `${colorScheme} ${width}`
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 800 })
    t.same(await findings(page), [], where)
    await lookUp(page, 'default', '203.0.113.20')
    await openForm(page, 'Override')
    t.same(await findings(page, 'dialog[open]'), [], `${where}, a key`)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Change search' }).click()
    await (await openDialog(page)).getByRole('button', { name: 'Preview' }).click()
    await page.locator('.sides').waitFor()
    t.same(await findings(page, 'dialog[open]'), [], `${where}, a change`)
    await page.keyboard.press('Escape')
  }
  t.same(complaints, [])
})

test('nothing sticks out, from a small phone to a 4K screen', { skip }, async (t) => {
  const { ask, page } = await openExample(t)
  await ask('203.0.113.22', 30)
  for (const width of [320, 360, 600, 801, 1088, 1440, 2560, 3840]) {
    await page.setViewportSize({ width, height: 900 })
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
  }
})

test('the keyboard reaches what the mouse does, its place is seen, and a dialog gives it back', {
  skip,
}, async (t) => {
  const { page } = await openExample(t)
  const seen = new Set<string>()
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press('Tab')
    const [name, outline] = (await page.evaluate(`[
      document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim() + document.activeElement.id,
      getComputedStyle(document.activeElement).outlineStyle]`)) as [string, string]
    seen.add(name)
    if (!name.startsWith('Skip')) t.not(outline, 'none', name)
    if (name === 'Change search') break
  }
  for (const name of ['Skip to the numbers', 'Chart of default', 'Change default', 'Change search'])
    t.ok(seen.has(name), name)
  await page.keyboard.press('Enter')
  await openDialog(page)
  t.ok(await page.evaluate("document.querySelector('dialog[open]').contains(document.activeElement)"))
  await page.keyboard.press('Escape')
  t.equal(await page.evaluate("document.activeElement.getAttribute('aria-label')"), 'Change search')
})

test('with reduced motion nothing moves', { skip }, async (t) => {
  const { page } = await openExample(t, { reducedMotion: 'reduce' })
  const moving = await page.evaluate(`[...document.querySelectorAll('*')].filter((element) => {
    const { transitionDuration, animationName } = getComputedStyle(element)
    return parseFloat(transitionDuration) > 0 || animationName !== 'none'
  }).length`)
  t.equal(moving, 0)
})

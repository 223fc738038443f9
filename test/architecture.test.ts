import { existsSync } from 'node:fs'
import { test } from 'tap'
import { ROOT, readPage } from './fixtures/snippets.js'
import { ARROWS } from './rooms/house.js'

test('docs/architecture.md names only paths that exist', async (t) => {
  const page = readPage('docs/architecture.md')
  const paths = [...page.matchAll(/`((?:lib|test|types)\/[^`*]*)`/g)].map(([, path]) => path)
  t.ok(paths.length > 40, `${paths.length} paths`)
  for (const path of paths) t.ok(existsSync(new URL(path, ROOT)), path)
})

test('its table of rooms says what each may import', async (t) => {
  const rows = readPage('docs/architecture.md').matchAll(/^\| `lib\/(\w+)\/` \|.*\| (.+) \|$/gm)
  const listed = [...rows].map(([, room, text]) => {
    // The plugin stands below all rooms that it may import.
    const rooms =
      text === 'all of these' ? ARROWS[room] : [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name)
    return [room, [...rooms].sort()] as const
  })
  const planned = Object.entries(ARROWS).filter(([room]) => listed.some(([name]) => name === room))
  t.ok(listed.length > 10)
  t.same(
    Object.fromEntries(listed),
    Object.fromEntries(planned.map(([room, rooms]) => [room, [...rooms].sort()])),
  )
})

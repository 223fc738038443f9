import { existsSync } from 'node:fs'
import { test } from 'tap'
import { ROOT, readPage } from './fixtures/snippets.js'

test('docs/architecture.md names only paths that exist', async (t) => {
  const page = readPage('docs/architecture.md')
  const paths = [...page.matchAll(/`((?:lib|test|types)\/[^`*]*)`/g)].map(([, path]) => path)
  t.ok(paths.length > 40, `${paths.length} paths`)
  for (const path of paths) t.ok(existsSync(new URL(path, ROOT)), path)
})

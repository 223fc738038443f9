import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { WIDTH, wordFaults } from './words/faults.js'
import { NOT_YET } from './words/not-yet.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDERS = ['lib', 'types', 'test', 'examples', 'scripts', 'docs', 'bench', 'model']
const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']

function files(): string[] {
  const found = FOLDERS.flatMap((folder) =>
    readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' }).map(
      (path) => `${folder}/${path.replaceAll('\\', '/')}`,
    ),
  )
  const isText = /\.(?:[cm]?[jt]s|lua|pml|md)$/
  // The list of words, which holds them all.
  const isOurs = (path: string) => !/node_modules|^bench\/results\/|^test\/words/.test(path)
  return [...PAGES, ...found.filter((path) => isText.test(path) && isOurs(path))]
}

test('text is plain, and comments are as wide as they may be', async (t) => {
  const faults = files()
    .filter((path) => !NOT_YET.some((start) => path.startsWith(start)))
    .flatMap((path) => wordFaults(path, readFileSync(ROOT + path, 'utf8')))
  t.same(faults, [])
})

test('a word of the list is found, wherever it stands, and no other that holds it', async (t) => {
  t.same(wordFaults('lib/a.ts', "const a = 'made anew'\n// It Tells all."), [
    "lib/a.ts:1: 'anew', write again",
    "lib/a.ts:2: 'Tells', write returns, says or a name of what it gives",
  ])
  t.same(wordFaults('lib/a.ts', '// shallow, deary, retells'), [])
  t.same(wordFaults('lib/a.ts', 'new Courier()'), ["lib/a.ts:1: 'Courier', write Dispatcher"])
})

test('a comment that asks is found, and a question in prose or code is not', async (t) => {
  for (const comment of ['/** Is it full?', '  // May it go on? If not, wait.', '-- Has it a state?'])
    t.same(wordFaults('lib/a.ts', comment), ["lib/a.ts:1: a question, write 'Whether ...'"], comment)
  t.same(wordFaults('lib/a.ts', '// Is is a verb. Who knows?\nreturn Is ? a : b'), [])
  t.same(wordFaults('docs/a.md', '- Is it full?'), [])
})

test('a sentence of prose without a subject is found, and a label, a question or a comment is not', async (t) => {
  for (const line of ['- Who asks waits.', 'It waits. Who asks, waits too. So', '// Who goes on is blocked.'])
    t.same(wordFaults('docs/a.md', line), ["docs/a.md:1: no subject, write 'A client that ...'"], line)
  for (const line of [
    '## Who asks',
    'Who waits: all.',
    '- [Who asks](#who-asks)',
    '| Who asks? | `a.ts` |',
    'All who ask.',
  ])
    t.same(wordFaults('docs/a.md', line), [], line)
  t.same(wordFaults('lib/a.ts', '/** Who made a change, and why. */'), [])
})

test('a comment that is too wide is found, code and prose are not', async (t) => {
  const wide = 'x'.repeat(WIDTH)
  for (const start of ['// ', '  // ', '/** ', ' * ', '-- ', '# '])
    t.match(wordFaults('lib/a.lua', start + wide), [/:1: a comment of \d+ characters, more than 110/], start)
  t.same(wordFaults('lib/a.ts', `const a = '${wide}'`), [])
  t.same(wordFaults('docs/a.md', `- ${wide}\n# ${wide}`), [])
  t.same(wordFaults('lib/a.ts', `// https://example.com/${wide}`), [], 'an address cannot be broken')
})

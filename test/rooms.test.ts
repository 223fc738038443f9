// biome-ignore-all lint/suspicious/noTemplateCurlyInString: sources are data here
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { faultsOf, graphOf, type House, PAGE_STARTS, roomOf } from './rooms/house.js'
import { exportsOnly, importsOf } from './rooms/source.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

function readHouse(): House {
  const paths = ['lib', 'types'].flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.[cm]?[jt]sx?$/.test(path))
      .map((path) => `${top}/${path.replaceAll('\\', '/')}`),
  )
  return new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]))
}

test('the house stands as it was drawn', async (t) => {
  const house = readHouse()
  t.strictSame(faultsOf(house), [])
  const rooms = new Set([...house.keys()].map(roomOf))
  for (const room of ['types', 'policy', 'store', 'limiter', 'observe', 'http', 'plugin', 'front door'])
    t.ok(rooms.has(room), `${room} was looked at`)
})

test('every file is reached from the front door', async (t) => {
  const house = readHouse()
  const graph = graphOf(house)
  const isFront = (path: string) => roomOf(path) === 'front door' || path === PAGE_STARTS
  const reached = new Set([...house.keys()].filter(isFront))
  for (const path of reached) for (const target of graph.get(path) ?? []) reached.add(target)
  t.strictSame(
    [...house.keys()].filter((path) => !reached.has(path)),
    [],
  )
})

/** A small house without a fault; tests build theirs into it. */
const SOUND: Readonly<Record<string, string>> = {
  'types/index.ts': "export type * from './policy.js'\n",
  'types/policy.ts': 'export interface Policy {}\n',
  'lib/index.ts': "export { plugin as default, plugin as 'module.exports' } from './plugin/index.js'\n",
  'lib/policy/index.ts': "export * as bucket from './bucket.js'\nexport { type A, b } from './bucket.js'\n",
  'lib/policy/bucket.ts': "import type { Policy } from '../../types/index.js'\nimport leven from 'leven'\n",
  'lib/store/clock.ts': 'export const now = () => performance.now()\n',
  'lib/http/headers.ts': "import '../../types/index.js'\n",
  'lib/plugin/index.ts': "export { plugin } from './plugin.js'\n",
  'lib/plugin/plugin.ts': "import fp from 'fastify-plugin'\nimport { b } from '../policy/index.js'\n",
}

function faultsWith(files: Readonly<Record<string, string>>): string[] {
  return faultsOf(new Map(Object.entries({ ...SOUND, ...files })))
}

test('a sound house has no faults', async (t) => {
  t.strictSame(faultsWith({}), [])
})

test('a forbidden arrow is found, in whatever form it is written', async (t) => {
  const forms = [
    "import { x } from '../policy/index.js'",
    "import type { x } from '../policy/index.js'",
    "import x, * as y from '../policy/index.js'",
    "import {\n  x, // from 'elsewhere'\n  y,\n} from /* here */ '../policy/index.js'",
    'import "../policy/index.js"',
    "export * from '../policy/index.js'",
    "export type { x } from '../policy/index.js'",
    "const x = await import('../policy/index.js')",
    'const x = () => import(`../policy/index.js`)',
    "type X = import('../policy/index.js').X",
    "type X = typeof import('../policy/index.js', { with: {} })",
    "import x = require('../policy/index.js')",
    'const s = `${a}${await import("../policy/index.js")}`',
    '/// <reference path="../policy/index.js" />',
  ]
  for (const source of forms) {
    const faults = faultsWith({ 'lib/http/headers.ts': source })
    t.match(faults, [/^lib\/http\/headers\.ts:\d+: http imports policy \(\.\.\/policy\/index\.js\)$/], source)
    t.equal(faults.length, 1, source)
  }
})

test('each room may look into the rooms of the plan, and into no other', async (t) => {
  const plan: Record<string, string> = {
    types: '',
    policy: 'types',
    http: 'types',
    command: 'policy',
    address: 'policy',
    store: 'types policy',
    observe: 'types policy',
    limiter: 'types policy store observe',
    openapi: 'types policy http',
    limits: 'types policy store command',
    plugin: 'types policy store limiter observe http address openapi limits',
    replay: 'types policy store limiter observe address command',
    console: 'types policy store observe limits',
  }
  const fileIn = (room: string) => (room === 'types' ? 'types/from.ts' : `lib/${room}/from.ts`)
  for (const from of Object.keys(plan)) {
    for (const to of Object.keys(plan)) {
      if (to === from) continue
      const target = to === 'types' ? '/types/to.js' : `/lib/${to}/to.js`
      const up = from === 'types' ? '..' : '../..'
      const faults = faultsWith({
        [fileIn(from)]: `import '${up}${target}'`,
        [target.slice(1).replace('.js', '.ts')]: '',
      })
      t.equal(faults.length, plan[from].split(' ').includes(to) ? 0 : 1, `${from} -> ${to}: ${faults}`)
    }
    const faults = faultsWith({ [fileIn(from)]: `import '${from === 'types' ? '../lib' : '..'}/index.js'` })
    t.match(faults, [new RegExp(`: ${from} imports front door`)])
  }
})

test('an import that leaves the house, or that nobody can follow, is found', async (t) => {
  const cases: [string, RegExp][] = [
    [
      "import '../../test/fixtures/manual-clock.js'",
      /imports test\/fixtures\/manual-clock\.ts, which is not in/,
    ],
    ["import './missing.js'", /imports lib\/http\/missing\.ts, which is not in the house/],
    ["import 'fastify-floodgate'", /imports fastify-floodgate past the rooms/],
    ["import '#policy'", /imports #policy past the rooms/],
    ["import '/lib/policy/index.js'", /past the rooms/],
    ["import 'file:///lib/policy/index.js'", /past the rooms/],
    ['import(name)', /imports what nobody can tell/],
    ['import(`../${room}/index.js`)', /imports what nobody can tell/],
    ["import('../' + room)", /imports what nobody can tell/],
    ['require(name)', /imports what nobody can tell/],
  ]
  for (const [source, fault] of cases) t.match(faultsWith({ 'lib/http/headers.ts': source }), [fault], source)
  t.match(faultsWith({ 'lib/metrics/count.ts': '' }), [/^lib\/metrics\/count\.ts: no room of the plan$/])
})

test('a cycle between files is found, inside a room and by way of types', async (t) => {
  const cycle = (a: string, b: string) => faultsWith({ 'lib/policy/a.ts': a, 'lib/policy/b.ts': b })
  const found = [/^lib\/policy\/a\.ts -> lib\/policy\/b\.ts -> lib\/policy\/a\.ts: a cycle$/]
  t.match(cycle("import './b.js'", "import './a.js'"), found)
  t.match(cycle("import type { B } from './b.js'", "type A = import('./a.js').A"), found)
  t.match(faultsWith({ 'lib/policy/a.ts': "import './a.js'" }), [/a\.ts -> lib\/policy\/a\.ts: a cycle$/])
  t.strictSame(
    cycle("import './b.js'\nimport './bucket.js'", "import './bucket.js'"),
    [],
    'two ways to a file are none',
  )
})

test('an index file and the front door hold exports from elsewhere, and nothing else', async (t) => {
  for (const path of ['lib/policy/index.ts', 'lib/index.ts', 'lib/redis.ts', 'types/index.ts']) {
    t.match(faultsWith({ [path]: 'export const x = 1\n' }), [`${path}: holds more than exports`])
  }
  for (const source of [
    "import './a.js'",
    'const x = 1\nexport { x }',
    'export default 1',
    '',
    "export * from './a.js'\nrun()",
  ])
    t.notOk(exportsOnly(source), source)
  t.ok(
    exportsOnly("// Why.\nexport type {} from './a.js';\nexport {\n  a,\n  type B as C,\n} from './b.js'\n"),
  )
})

test('the front door of the command line starts it, and does no more', async (t) => {
  t.strictSame(faultsWith({ 'lib/cli.ts': "import { run } from './policy/index.js'\nrun()\n" }), [])
  t.match(faultsWith({ 'lib/cli.ts': '\n'.repeat(11) }), ['lib/cli.ts: does more than start'])
})

test('Fastify is named by the plugin and by a few files of types only', async (t) => {
  const naming = [
    "import type { FastifyRequest } from 'fastify'",
    "declare module 'fastify' {}",
    "import fp from 'fastify-plugin'",
  ]
  for (const source of naming) {
    for (const path of ['lib/http/x.ts', 'lib/limiter/x.ts', 'types/x.ts'])
      t.match(faultsWith({ [path]: source }), [new RegExp(`^${path}:1: names fastify`)])
    for (const path of ['lib/plugin/x.ts', 'lib/console/x.ts', 'types/options.ts', 'types/fastify.ts'])
      t.strictSame(faultsWith({ [path]: source }), [], path)
  }
  t.strictSame(faultsWith({ 'lib/http/x.ts': "import createError from '@fastify/error'" }), [])
})

test('time is read by the clock of the store only', async (t) => {
  const readers = [
    'Date.now()',
    'new Date()',
    'performance.now()',
    'process.hrtime.bigint()',
    'setTimeout(f)',
    '`${Date.now()}`',
  ]
  readers.push('globalThis.setInterval(f)', "import { setTimeout as wait } from 'node:timers/promises'")
  for (const source of readers) {
    t.match(faultsWith({ 'lib/store/x.ts': source }), [/^lib\/store\/x\.ts:1: reads time/], source)
    t.strictSame(faultsWith({ 'lib/store/clock.ts': source }), [], source)
  }
  t.strictSame(faultsWith({ 'types/x.ts': 'export interface X { since: Date }' }), [], 'a type reads none')
})

test('the page of the console imports its own files only, and reads time as browsers do', async (t) => {
  const page = (source: string, path = 'lib/console/page/a.js') =>
    faultsWith({ [path]: source, 'lib/console/page/b.js': '', 'lib/console/page/c.d.ts': '' })
  t.strictSame(page("import './b.js'\nimport './c.js'\nDate.now()\nsetTimeout(f)"), [])
  t.match(page("import '../../policy/index.js'"), [/page imports policy/])
  t.match(page("import './d.js'"), [/imports lib\/console\/page\/d\.ts, which is not in the house/])
  t.match(page("import './console/page/b.js'", 'lib/index.ts'), [
    /more than exports/,
    /front door imports page/,
  ])
})

test('a file of more than 250 lines is found', async (t) => {
  t.strictSame(faultsWith({ 'lib/http/x.ts': '\n'.repeat(250) }), [])
  t.match(faultsWith({ 'lib/http/x.ts': '\n'.repeat(251) }), ['lib/http/x.ts: 251 lines, more than 250'])
})

test('comments, strings, templates and regular expressions import nothing and read no time', async (t) => {
  const source = [
    "// import 'a' and Date.now()",
    "/* import('b')\n * setTimeout */",
    "const s = \"import 'c'\" + 'it\\'s new Date()'",
    "const t = `import 'd' Date ${x ? `from 'e'` : { f: '}' }} from 'g' Date`",
    "const r = /['\"`/]from 'h'/.test(s) && a / b / Date_",
    "const u = [/[/'\"]+/g, /\\/'/]",
    "Array.from('i'); loader.import('j'); import.meta.url",
  ].join('\n')
  t.strictSame(importsOf(source), [])
  t.strictSame(faultsWith({ 'lib/http/x.ts': source }), [])
  t.strictSame(importsOf(`${source}\nimport 'k'`), [{ specifier: 'k', line: 9 }], 'and what follows is seen')
})

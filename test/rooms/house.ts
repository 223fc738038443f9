import { posix } from 'node:path'
import { exportsOnly, importsOf, tokensOf } from './source.js'

/** Sources by path, such as `lib/http/index.ts`. */
export type House = ReadonlyMap<string, string>

/** The rooms that each room may import from, besides itself. A room that is not here is not in the plan. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  types: [],
  policy: ['types'],
  command: ['policy'],
  address: ['policy'],
  http: ['types'],
  store: ['types', 'policy'],
  observe: ['types', 'policy'],
  limiter: ['types', 'policy', 'store', 'observe'],
  openapi: ['types', 'http', 'policy'],
  limits: ['types', 'policy', 'store', 'command'],
  plugin: ['types', 'policy', 'store', 'limiter', 'observe', 'http', 'address', 'openapi', 'limits'],
  replay: ['types', 'policy', 'store', 'limiter', 'observe', 'address', 'command'],
  console: ['types', 'policy', 'store', 'observe', 'limits'],
  page: [],
  'front door': [
    'types',
    'policy',
    'store',
    'limiter',
    'observe',
    'http',
    'address',
    'command',
    'openapi',
    'limits',
    'plugin',
    'replay',
    'console',
  ],
}

const LONGEST_FILE = 250
/** The front door that starts a program, and holds no more than that. */
const STARTS = 'lib/cli.ts'
const LONGEST_START = 10
const FASTIFY = /^fastify(?:-plugin)?(?:\/|$)/
const KNOWS_FASTIFY =
  /^(?:lib\/(?:plugin|console)\/.*|types\/(?:options|registry|route|events|fastify|console-plugin)\.ts)$/
const TIME_MODULE = /^(?:node:)?(?:timers|timers\/promises|perf_hooks)$/
const TIME_WORDS = new Set(['Date', 'performance', 'hrtime', 'setTimeout', 'setInterval', 'Temporal'])
const READS_TIME = 'lib/store/clock.ts'
/** Runs in a browser, and is served, not imported. */
const PAGE = 'lib/console/page/'
export const PAGE_STARTS = `${PAGE}main.js`

/** All faults of a house, one line each: the place and the fault. */
export function faultsOf(house: House): string[] {
  const files = [...house].flatMap(([path, source]) => fileFaults(path, source, house))
  return [...files, ...cyclesOf(house).map((cycle) => `${cycle.join(' -> ')}: a cycle`)]
}

function fileFaults(path: string, source: string, house: House): string[] {
  const faults: string[] = []
  const room = roomOf(path)
  const lines = source.split('\n').length - (source.endsWith('\n') ? 1 : 0)
  if (!Object.hasOwn(ARROWS, room)) faults.push(`${path}: no room of the plan`)
  if (lines > LONGEST_FILE) faults.push(`${path}: ${lines} lines, more than ${LONGEST_FILE}`)
  if (path === STARTS) {
    if (lines > LONGEST_START) faults.push(`${path}: does more than start`)
  } else if ((room === 'front door' || posix.basename(path) === 'index.ts') && !exportsOnly(source))
    faults.push(`${path}: holds more than exports`)
  for (const { specifier, line } of importsOf(source)) {
    const fault = specifier === null ? 'imports what nobody can tell' : importFault(path, specifier, house)
    if (fault !== null) faults.push(`${path}:${line}: ${fault}`)
  }
  for (const { kind, text, line } of tokensOf(source)) {
    if (kind === 'word' && TIME_WORDS.has(text) && path !== READS_TIME && !/^(?:types|page)$/.test(room))
      faults.push(`${path}:${line}: reads time (${text})`)
  }
  return faults
}

function importFault(path: string, specifier: string, house: House): string | null {
  if (/^(?:[/#]|[a-z]+:\/)|^fastify-floodgate(?:\/|$)/.test(specifier))
    return `imports ${specifier} past the rooms`
  if (FASTIFY.test(specifier) && !KNOWS_FASTIFY.test(path)) return `names ${specifier}`
  if (TIME_MODULE.test(specifier) && path !== READS_TIME) return `reads time (${specifier})`
  if (!specifier.startsWith('.')) return null
  const target = targetOf(path, specifier, house)
  if (!house.has(target)) return `imports ${target}, which is not in the house`
  const [from, to] = [roomOf(path), roomOf(target)]
  return from === to || ARROWS[from]?.includes(to) ? null : `${from} imports ${to} (${specifier})`
}

/**
 * The room of a file: `types`, the folder below `lib`, or the front door for a file in `lib` itself. The page
 * of the console is a room in a room.
 */
export function roomOf(path: string): string {
  if (path.startsWith(PAGE)) return 'page'
  const [top, room, ...rest] = path.split('/')
  if (top === 'types') return 'types'
  return top === 'lib' && rest.length === 0 ? 'front door' : room
}

function targetOf(path: string, specifier: string, house: House): string {
  const target = posix.join(posix.dirname(path), specifier)
  // What another package brings to the page is here as its types.
  const forms = [target, target.replace(/\.js$/, '.d.ts')]
  return forms.find((form) => house.has(form)) ?? target.replace(/\.js$/, '.ts')
}

/** The files that each file imports. */
export function graphOf(house: House): Map<string, string[]> {
  const targets = (path: string, source: string) =>
    importsOf(source)
      .filter(({ specifier }) => specifier?.startsWith('.'))
      .map(({ specifier }) => targetOf(path, specifier as string, house))
  return new Map([...house].map(([path, source]) => [path, targets(path, source)]))
}

/** A cycle for each import that closes one. */
function cyclesOf(house: House): string[][] {
  const graph = graphOf(house)
  const cycles: string[][] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]) => {
    const seen = trail.indexOf(path)
    if (seen >= 0) cycles.push([...trail.slice(seen), path])
    if (seen >= 0 || done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return cycles
}

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname } from 'node:path'

/** A file of the page, as it is served. */
export interface PageFile {
  readonly body: Buffer
  readonly type: string
  readonly etag: string
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Files of the chart library. The build puts them beside the page. */
const CHARTS: Readonly<Record<string, string>> = {
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
}

const PAGE = new URL('./page/', import.meta.url)

/** Reads the files of the page by name, once: they are small, and requests then touch no disk. */
export function readPage(folder = PAGE): ReadonlyMap<string, PageFile> {
  const served = readdirSync(folder).filter((name) => extname(name) in TYPES)
  const files = new Map(served.map((name) => [name, pageFile(name, new URL(name, folder))]))
  for (const [name, path] of Object.entries(CHARTS))
    if (!files.has(name)) files.set(name, pageFile(name, createRequire(import.meta.url).resolve(path)))
  return files
}

function pageFile(name: string, path: URL | string): PageFile {
  const body = readFileSync(path)
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  return { body, type: TYPES[extname(name)], etag }
}

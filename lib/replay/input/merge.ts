import type { Entry } from '../readers/line.js'
import type { Source } from './source.js'

/**
 * Calls `visit` with the requests of all sources, the oldest first, as far as each source is in order.
 * Rotated files may come in any order, and those of several servers may overlap. A file is open only from its
 * first request to its last, so that a year of logs takes no more memory than a day. `onRead` is called
 * whenever another part of a file is read, and `onOpen` once, when the formats of all files are known.
 */
export async function mergeSources(
  sources: readonly Source[],
  onOpen: () => void,
  visit: (entry: Entry) => void,
  onRead: () => void,
): Promise<void> {
  const waiting = await findFirst(sources)
  onOpen()
  const open: Source[] = []
  for (;;) {
    const current = oldest(open)
    const next = waiting[0]
    if (next !== undefined && !(current !== undefined && current.entry.time < next.entry.time)) {
      waiting.shift()
      if (next.isOpen || (await next.open())) open.push(next)
    } else if (current === undefined) return
    else {
      visit(current.entry)
      if (current.next()) continue
      if (!(await current.advance())) open.splice(open.indexOf(current), 1)
      onRead()
    }
  }
}

/** The sources that have requests, in the order of their first ones. */
async function findFirst(sources: readonly Source[]): Promise<Source[]> {
  const found: Source[] = []
  for (const source of sources) {
    const isReadOnce = source.log.size === null || sources.length === 1
    if (isReadOnce ? await source.open() : await source.peek()) found.push(source)
  }
  return found.sort((a, b) => a.entry.time - b.entry.time)
}

function oldest(sources: readonly Source[]): Source | undefined {
  let oldest = sources[0]
  for (let i = 1; i < sources.length; i++) if (sources[i].entry.time < oldest.entry.time) oldest = sources[i]
  return oldest
}

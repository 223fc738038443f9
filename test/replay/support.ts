import { gzipSync } from 'node:zlib'
import { isoOf } from '../../lib/replay/time.js'
import type { ReplayOptions } from '../../lib/replay.js'
import { replay } from '../../lib/replay.js'

/** 2026-03-01T12:00:00Z, in ms. */
export const NOON = 1_772_366_400_000

/** A stream of these bytes, in pieces of `size`. */
export async function* streamOf(text: string | Uint8Array, size = 65_536): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The time of a common log. `ms` since 1970; what is below a second is lost. */
export function clfTime(ms: number): string {
  const [, year, month, day, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(isoOf(ms * 1000)) as RegExpExecArray
  return `[${day}/${MONTHS[Number(month) - 1]}/${year}:${time} +0000]`
}

/** A line of a combined log. */
export function combined(
  ms: number,
  ip: string,
  { request = 'GET / HTTP/1.1', status = 200, user = '-' } = {},
) {
  return `${ip} - ${user} ${clfTime(ms)} "${request}" ${status} 512 "-" "Mozilla/5.0 (X11)"`
}

/** A replay of a log of these lines. */
export function replayLines(lines: readonly string[], options: Partial<ReplayOptions> = {}) {
  return replay({ files: streamOf(`${lines.join('\n')}\n`), ...options })
}

export function gzipped(text: string): Buffer {
  return gzipSync(text)
}

import { argumentError } from '../../command/index.js'
import { visible } from '../../policy/index.js'
import { versionOf } from '../live.js'
import { readBytes, textOf } from '../read-file.js'
import type { Act } from './act.js'
import { changesBetween } from './changes.js'
import { checkDocument, type Kept, type Version } from './kept-limits.js'

/** Prints a document to the standard output, and what it is to the standard error. */
export const show: Act = async (limits, [version], _values, io) => {
  const kept = await limits.read()
  const shown = version === undefined ? kept.current : versionIn(kept, version)
  const document = await limits.documentOf(kept, shown)
  const absence = kept.isThere || version !== undefined ? '' : ` (${limits.place} does not exist)`
  io.stderr.write(`version ${shown.version}, ${originOf(shown)}${absence}\n`)
  io.stdout.write(document.endsWith('\n') ? document : `${document}\n`)
  return 0
}

/** Prints what a file would change. Exit code 1: something. */
export const diff: Act = async (limits, [path], _values, io) => {
  const text = textOf(await readBytes(path), path)
  const wanted = checkDocument(text, path)
  const { current, document } = await limits.read()
  const lines = changesBetween(checkDocument(document, limits.place), wanted)
  io.stderr.write(`${limits.place}: version ${current.version}; ${path}: version ${versionOf(text)}\n`)
  for (const line of lines) io.stdout.write(`${line}\n`)
  if (lines.length === 0) io.stderr.write('no differences\n')
  return lines.length === 0 ? 0 : 1
}

/** Prints the versions, the newest first. A `*` is before the one in force. */
export const history: Act = async (limits, _files, _values, io) => {
  const kept = await limits.read()
  const { current } = kept
  const all = kept.history[0] === current ? kept.history : [current, ...kept.history]
  for (const version of all)
    io.stdout.write(`${version === current ? '*' : ' '} ${version.version}  ${originOf(version)}\n`)
  return 0
}

/** When, who and why. */
export function originOf({ when, who, comment }: Version): string {
  return when === null ? visible(comment) : `${when}  ${visible(String(who))}: ${visible(comment)}`
}

/** Throws `FST_FLOODGATE_ARGUMENT` for a version that is not in the history. */
export function versionIn({ current, history }: Kept, name: string): Version {
  const found = [current, ...history].find(({ version }) => version === name)
  if (found === undefined)
    throw argumentError(`no version '${name}' is in the history; 'limits history' lists those that are`)
  return found
}

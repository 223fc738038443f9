import { argumentError, type Io } from '../../command/index.js'
import { checkComment, checkWho } from '../document.js'
import { badLimits } from '../errors.js'
import { versionOf } from '../live.js'
import type { LimitsDocument } from '../parsed-document.js'
import { readBytes, textOf } from '../read-file.js'
import type { Act } from './act.js'
import type { Values } from './arguments.js'
import { changesBetween } from './changes.js'
import { checkDocument, type Kept, type KeptLimits } from './kept-limits.js'
import { originOf, versionIn } from './look-commands.js'

/** Exit code of a change that is refused. */
const REFUSED = 1
/** How often `--force` writes over what others wrote a moment ago. */
const MOST_TRIES = 20

/** What a change puts in force, and why. */
interface Change {
  readonly text: string
  readonly document: LimitsDocument
  readonly comment: string
}

/** Puts the document of a file in force, all of it or nothing. */
export const push: Act = async (limits, [path], values, io) => {
  const { comment } = values
  if (comment === undefined || comment.trim() === '')
    throw argumentError('push needs a reason, which the history keeps: --comment TEXT')
  const text = textOf(await readBytes(path), path)
  const document = checkDocument(text, path)
  return change(limits, values, io, async () => ({ text, document, comment }))
}

/** Puts an older document in force again. */
export const rollback: Act = (limits, [name], values, io) =>
  change(limits, values, io, async (kept) => {
    const older = name === undefined ? previousOf(kept) : versionIn(kept, name)
    const { version } = older
    const text = await limits.documentOf(kept, older)
    const document = checkDocument(text, `${limits.place}, version ${version}`)
    return { text, document, comment: values.comment ?? `rollback to ${version}` }
  })

function previousOf({ current, history }: Kept) {
  const previous = history.find(({ version }) => version !== current.version)
  if (previous === undefined) throw badLimits('the history has no other version to roll back to')
  return previous
}

async function change(
  limits: KeptLimits,
  { who: given, comment = '', expect, force = false }: Values,
  io: Io,
  wanted: (kept: Kept) => Promise<Change>,
): Promise<number> {
  const who = given ?? io.env.USER ?? ''
  if (who === '') throw argumentError('who is it? The history keeps it: --who NAME, or set USER')
  checkWho(who, '--who')
  checkComment(comment, '--comment')
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const kept = await limits.read()
    const { text, document, comment } = await wanted(kept)
    const { current } = kept
    if (expect !== undefined && expect !== current.version && !force)
      return refuse(io, `version ${current.version} is in force, not ${expect} (${originOf(current)})`)
    const version = versionOf(text)
    if (kept.isThere && version === current.version) {
      io.stdout.write(`version ${version} is there already: nothing is changed\n`)
      return 0
    }
    if (await limits.write(kept, text, who, comment)) {
      for (const line of changesFrom(kept.document, document)) io.stdout.write(`${line}\n`)
      io.stdout.write(`version ${version} is in ${limits.place} now; before, it was ${current.version}\n`)
      return 0
    }
    if (!force) return refuse(io, 'somebody else wrote another version in between')
  }
  throw badLimits(`others keep writing to ${limits.place}: nothing is changed`)
}

function refuse({ stderr }: Io, reason: string): number {
  stderr.write(`refused: ${reason}; look with 'limits diff', or say --force\n`)
  return REFUSED
}

/** What was in force may be no document of limits at all: that can be written over. */
function changesFrom(before: string, after: LimitsDocument): string[] {
  try {
    return changesBetween(checkDocument(before, ''), after)
  } catch {
    return ['what was there is no document of limits']
  }
}

import { badLimits } from './errors.js'

/**
 * Parses JSON. Throws `FST_FLOODGATE_LIMITS` with the line and the column, and without the text around them,
 * which the error of Node.js quotes: it may hold keys.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = /at position (\d+)/.exec((error as Error).message)?.[1]
    throw badLimits(`the limits are not JSON: ${whereIn(text, position)}`)
  }
}

function whereIn(text: string, position: string | undefined): string {
  if (text.trim() === '') return 'they are empty'
  if (position === undefined) return 'they end too early, or begin with something else'
  const lines = text.slice(0, Number(position)).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1) as string).length + 1}`
}

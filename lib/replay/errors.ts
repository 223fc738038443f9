import createError from '@fastify/error'

const LogError = createError<string[]>('FST_FLOODGATE_LOG', '%s: %s', 500)

/** `FST_FLOODGATE_LOG`: a log that cannot be read. `place` is its name, with the number of a line or not. */
export function logError(place: string, what: string): Error {
  return new LogError(place, what)
}

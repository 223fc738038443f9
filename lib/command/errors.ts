import createError from '@fastify/error'

const ArgumentError = createError<string[]>('FST_FLOODGATE_ARGUMENT', '%s; --help shows examples', 500)

/** `FST_FLOODGATE_ARGUMENT`: an argument of the command line that is not allowed. */
export function argumentError(what: string): Error {
  return new ArgumentError(what)
}

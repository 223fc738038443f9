import createError from '@fastify/error'

const BadLimits = createError('FST_FLOODGATE_LIMITS', '%s', 500)

/** `FST_FLOODGATE_LIMITS`. The text names no key and quotes nothing of the document: both may be secret. */
export function badLimits(text: string): Error {
  return new BadLimits(text)
}

/** The same for a source that another app, or another registration, reads. */
export function inUse(source: string): Error {
  return badLimits(`a source of limits is in use already: call ${source} for each registration`)
}

/** The same error, which says also where the document lies. */
export function inDocument(error: Error, place: string): Error {
  error.message = `${place}: ${error.message}`
  return error
}

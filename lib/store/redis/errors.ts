import createError from '@fastify/error'

const StoreFailure = createError('FST_FLOODGATE_STORE', 'the rate limit store did not answer: %s', 503)

/** Seconds after which it is worth asking again; Fastify sends the `headers` of an error. */
const HEADERS = { 'retry-after': '1' }

/** A store failure: 503, neither a denial nor a misuse. What went wrong is its `cause`; keys are not in its message. */
export function storeFailure(cause: unknown): Error {
  return Object.assign(new StoreFailure(reason(cause)), { cause, headers: HEADERS })
}

/** The first word of a server's error, or the text of one of ours: what a server says may quote keys. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  const code = /^[A-Z]{2,}\b/.exec(cause.message)?.[0] ?? (cause as { code?: unknown }).code
  return typeof code === 'string' ? code : cause.message.slice(0, 100)
}

/** What a call to the store fails with where no server said anything. */
export class Unanswered extends Error {}

import createError from '@fastify/error'

const StoreFailure = createError('FST_FLOODGATE_STORE', 'the rate limit store did not answer: %s', 503)

/** Seconds after which it is worth asking again; Fastify sends the `headers` of an error. */
const HEADERS = { 'retry-after': '1' }

/**
 * A store failure: 503, neither a denial nor a misuse. What went wrong is its `cause`; keys are not in its
 * message.
 */
export function storeFailure(cause: unknown): Error {
  return Object.assign(new StoreFailure(reason(cause)), { cause, headers: HEADERS })
}

/**
 * What a listener, the log or the process is told when the store goes down. `inForce`: what happens to calls
 * meanwhile.
 */
export function outage({ cause }: Error, inForce: string): Error {
  const message = `the rate limit store does not answer: ${detail(cause)}; ${inForce}`
  return Object.assign(new Error(message, { cause }), { code: 'FST_FLOODGATE_STORE' })
}

const FleetFailure = createError(
  'FST_FLOODGATE_FLEET',
  'this process and the others do not learn what is changed by hand: %s',
  500,
)

/** Says why changes neither come nor go. It shows what an outage shows. */
export function fleetFailure(cause: Error): Error {
  return Object.assign(new FleetFailure(detail(cause)), { cause })
}

/**
 * The first word of a server's error, or the text of one of ours: what a server says may quote keys or a
 * password.
 */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  const code = /^[A-Z]{2,}\b/.exec(cause.message)?.[0] ?? (cause as { code?: unknown }).code
  if (typeof code === 'string') return code
  // A URL may hold a password.
  return cause.message.includes('://') ? cause.name : cause.message.replace(/\s+/g, ' ').slice(0, 100)
}

/**
 * An error of the system, as far as it says where; of a client of a Cluster or of `localhost`, with those
 * that led to it.
 */
interface ClientError extends Error {
  readonly address?: string
  readonly hostname?: string
  readonly port?: number
  readonly lastNodeError?: Error
  readonly errors?: readonly Error[]
}

/** The reason in full, on one line. Only who operates the store sees it: clients learn no address. */
function detail(cause: unknown): string {
  const { message = '', address, hostname, port, lastNodeError, errors } = cause as ClientError
  if (errors !== undefined) return errors.map(detail).join(', ')
  if (lastNodeError !== undefined) return `${reason(cause)} ${detail(lastNodeError)}`
  // The script could not run; what follows a quotation mark may be what the server was sent.
  if (/^ERR /.test(message)) return (message.split(/(?<![a-z])["'`]/)[0] as string).slice(0, 150).trimEnd()
  const place = [address ?? hostname, port].filter((part) => part !== undefined).join(':')
  return `${reason(cause)} ${place}`.trimEnd()
}

/** What a call to the store fails with where no server said anything. */
export class NoReply extends Error {}

/** What a call fails with while its circuit is open, so that the store is not asked. */
export function circuitOpen(): Error {
  return storeFailure(new NoReply('it is left alone for a while'))
}

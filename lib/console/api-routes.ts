import type { FastifyInstance, FastifyReply, RouteShorthandOptions } from 'fastify'
import type { Actions, CallBody } from './actions.js'
import { JSON_TYPE, refuseBody, replyWith } from './errors.js'
import type { Feed } from './feed.js'
import { OWN_HEADER, refuseForeign } from './origin.js'
import { EXEMPT, TAGS } from './routes.js'
import { BODIES, KEY, PREVIEW, responses, STATE } from './schemas.js'
import type { Stream } from './stream.js'

/** Bytes of a body: a key may be long. */
const LARGEST_BODY = 65_536

/** The schemas document. The calls check their bodies, and compilers of the application are not asked. */
const COMPILERS = {
  validatorCompiler: () => () => true,
  serializerCompiler: () => write,
} satisfies RouteShorthandOptions

/** An answer, or an error that the application did not handle. Ours are written already. */
function write(answer: unknown): string {
  if (!(answer instanceof Error)) return JSON.stringify(answer)
  const { statusCode, code, error, message } = answer as Error & Record<string, unknown>
  return JSON.stringify({ statusCode, code, error, message })
}

const COMMON = { config: EXEMPT, exposeHeadRoute: false, ...COMPILERS }

/** Adds the API below a scope of its own. */
export function addApi(app: FastifyInstance, actions: Actions, feed: Feed, stream: Stream): void {
  app.addHook('onRequest', refuseForeign)
  app.setErrorHandler(refuseBody)
  // A form of another site cannot send JSON.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string', bodyLimit: LARGEST_BODY },
    app.getDefaultJsonParser('error', 'error'),
  )
  const state = schema('All that the console shows', responses('The state', STATE, [403]))
  app.get('/state', { ...COMMON, schema: state }, (_request, reply) => sendJson(reply, feed.state()))
  addStream(app, stream)
  addCalls(app, actions)
}

function addStream(app: FastifyInstance, stream: Stream): void {
  const description =
    'Server-sent events: `state`, at first and whenever more than counters changed; `tick`, each second'
  const events = { 200: { description, content: { 'text/event-stream': { schema: { type: 'string' } } } } }
  const options = { ...COMMON, schema: schema('The state, and what changes', events) }
  app.get('/stream', options, (_request, reply) => {
    try {
      stream.follow(reply)
      return reply
    } catch (error) {
      return replyWith(reply, error)
    }
  })
}

type Verb = keyof typeof BODIES

function addCalls(app: FastifyInstance, actions: Actions): void {
  const add = (verb: Verb, summary: string, result: object, faults: number[], isChange = true) => {
    const headers = { type: 'object', properties: { [OWN_HEADER]: { type: 'string', enum: ['1'] } } }
    const documented = {
      ...schema(summary, responses('What is so now', result as never, faults)),
      headers: { ...headers, required: [OWN_HEADER] },
      body: BODIES[verb],
    }
    const options = { ...COMMON, bodyLimit: LARGEST_BODY, schema: documented }
    app.post<{ Body: CallBody }>(`/${verb}`, options, async (request, reply) => {
      const who = isChange ? actions.whoOf(request) : undefined
      return call(reply, () => actions[verb](request.body, request, who))
    })
  }
  const [wrong, faults] = [
    [400, 403, 404],
    [400, 403, 404, 503],
  ]
  add('look', 'What each policy has left of a key', KEY, faults, false)
  add('reset', 'Forgets what a key has used, and ends its block', KEY, faults)
  add('block', 'Blocks a key', KEY, faults)
  add('override', 'Gives a key a policy of its own, or ends that', KEY, faults)
  add('preview', 'What an update would do; changes nothing', PREVIEW, wrong, false)
  add('update', 'Gives a limiter other policies', STATE, wrong)
}

async function call(reply: FastifyReply, act: () => object | Promise<object>): Promise<FastifyReply> {
  try {
    return sendJson(reply, await act())
  } catch (error) {
    return replyWith(reply, error)
  }
}

function sendJson(reply: FastifyReply, body: object): FastifyReply {
  return reply.type(JSON_TYPE).send(JSON.stringify(body))
}

function schema(summary: string, response: object) {
  return { summary, tags: TAGS, response }
}

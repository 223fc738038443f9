import { STATUS_CODES } from 'node:http'
import createError from '@fastify/error'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type CodedError, show } from '../policy/index.js'

const NotRegistered = createError(
  'FST_FLOODGATE_NOT_REGISTERED',
  'app.rateLimit is missing: register fastify-floodgate before its console, in the same scope or around it',
  500,
)
const Origin = createError('FST_FLOODGATE_ORIGIN', '%s', 403)
const Offender = createError(
  'FST_FLOODGATE_OFFENDER',
  'no key of the limiter %s is remembered as %s: it was not denied lately, or another process named it',
  404,
)
const Pages = createError('FST_FLOODGATE_PAGES', 'as many pages follow the console as may: %s', 503)

export function notRegistered(): Error {
  return new NotRegistered()
}

/** A request that another site may have sent. */
export function foreignOrigin(what: string): CodedError {
  return new Origin(what)
}

export function unknownOffender(limiter: string, id: string): CodedError {
  return new Offender(show(limiter), show(id))
}

export function tooManyPages(most: number): CodedError {
  return new Pages(most)
}

/** What the client of the API did wrong. */
const STATUS: Readonly<Record<string, number>> = {
  FST_FLOODGATE_KEY: 400,
  FST_FLOODGATE_OFFENDER: 404,
  FST_FLOODGATE_OPTION: 400,
  FST_FLOODGATE_ORIGIN: 403,
  FST_FLOODGATE_PAGES: 503,
  FST_FLOODGATE_STORE: 503,
  FST_FLOODGATE_UNKNOWN_LIMITER: 404,
  FST_FLOODGATE_UNKNOWN_OPTION: 400,
}

/**
 * Replies with an error as Fastify itself would, whatever error handler the application has: the page reads
 * it. Throws what is no fault of the client.
 */
export function replyWith(reply: FastifyReply, error: unknown): FastifyReply {
  const { code, message } = error as CodedError
  const statusCode = STATUS[code]
  if (statusCode === undefined) throw error
  return sendFault(reply, statusCode, code, message)
}

/**
 * Replies to a body that Fastify cannot read, whatever error handler the application has. What else fails, as
 * in hooks of operators, is for that handler.
 */
export function refuseBody(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code, message } = error
  if (!String(code).startsWith('FST_ERR_CTP_')) throw error
  return sendFault(reply, error.statusCode as number, code, message)
}

function sendFault(reply: FastifyReply, statusCode: number, code: string, message: string): FastifyReply {
  const body = { statusCode, code, error: STATUS_CODES[statusCode], message }
  return reply.code(statusCode).type(JSON_TYPE).send(JSON.stringify(body))
}

export const JSON_TYPE = 'application/json; charset=utf-8'

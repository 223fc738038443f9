import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChargeRule } from '../../../types/index.js'
import { checkCost } from '../../policy/index.js'
import { isPromise } from '../is-promise.js'
import { hasEnded, onEnd, onSocketClose } from './end.js'
import { giveBackQuietly } from './refunds.js'
import type { RequestCharge } from './request-charge.js'
import { isUpgrade } from './upgrade.js'

/** The property of a request that holds the charges which its response settles. */
const unsettled: unique symbol = Symbol('floodgate.unsettled')

interface UnsettledRequest {
  [unsettled]?: RequestCharge[]
}

/** Whether a charge is of units in progress. */
export function isInProgress({ bucket }: RequestCharge): boolean {
  return bucket.policy.algorithm === 'concurrency'
}

/** Whether a charge is final only when the response is there. */
export function isProvisional(charge: RequestCharge): boolean {
  return charge.member.charge !== undefined || isInProgress(charge)
}

/**
 * Settles a charge when the response is closed, however it ends: gives back units of requests in progress,
 * and what the option `charge` does not charge. Units of a response that was aborted stay charged, except
 * those in progress.
 */
export function settleLater(request: FastifyRequest, reply: FastifyReply, charge: RequestCharge): void {
  const holder = request as UnsettledRequest
  const charges = holder[unsettled]
  if (charges !== undefined && charges.length > 0) charges.push(charge)
  else {
    holder[unsettled] = [charge]
    settleAtEnd(request, reply, holder)
  }
}

function settleAtEnd(request: FastifyRequest, reply: FastifyReply, holder: UnsettledRequest): void {
  const { raw } = reply
  // A store over a network may answer for a shadow when the response is there already.
  let isFinished = raw.writableFinished === true
  raw.on('finish', () => {
    isFinished = true
  })
  const settle = () => {
    const charges = holder[unsettled] as RequestCharge[]
    holder[unsettled] = []
    // HTTP/2 says `finish` also for a stream that was reset.
    const { stream } = raw as { stream?: { readonly rstCode: number } }
    const isSent = isFinished && raw.writableEnded && (stream === undefined || stream.rstCode === 0)
    // An upgrade that was accepted: somebody else answered it.
    const isComplete = isSent || (isUpgrade(request) && reply.sent && !raw.headersSent)
    for (const charge of charges) settleOne(request, reply, charge, isComplete)
  }
  // The client may have left while the store was asked.
  if (hasEnded(request, reply)) settle()
  // The connection of an upgrade outlives the response.
  else if (isUpgrade(request)) onSocketClose(request.raw.socket, settle)
  else onEnd(request, reply, settle)
}

function settleOne(
  request: FastifyRequest,
  reply: FastifyReply,
  charge: RequestCharge,
  isComplete: boolean,
): void {
  if (isInProgress(charge)) return keep(charge, 0)
  const { charge: rule } = charge.member
  if (rule === undefined || !isComplete) return
  const failed = (error: unknown) => request.log.error({ err: error }, 'charge failed')
  try {
    const units = unitsOf(rule, charge, request, reply)
    if (isPromise(units))
      Promise.resolve(units)
        .then((units) => keep(charge, checkCost(units)))
        .catch(failed)
    else keep(charge, checkCost(units))
  } catch (error) {
    failed(error)
  }
}

/** Units that a complete response is charged in the end. */
function unitsOf(
  rule: ChargeRule,
  charge: RequestCharge,
  request: FastifyRequest,
  reply: FastifyReply,
): number | Promise<number> {
  if (typeof rule === 'function') return rule(request, reply)
  const hasFailed = reply.raw.statusCode >= 400
  return hasFailed === (rule === 'failed') ? charge.charged : 0
}

function keep(charge: RequestCharge, units: number): void {
  giveBackQuietly(charge, Math.max(0, charge.charged - units))
}

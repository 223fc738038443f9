import type { Charge } from '../../../types/index.js'
import { newCharge } from '../../store/index.js'
import { isPromise } from '../is-promise.js'
import type { RequestCharge } from './request-charge.js'

/**
 * Gives back `cost` units of each charge, at most and by default all that it has taken, and reads its verdict
 * again. Returns a promise where the store does.
 */
export function refund(
  charges: readonly RequestCharge[],
  cost = Number.POSITIVE_INFINITY,
): void | Promise<void> {
  const charged = charges.filter((charge) => charge.charged > 0)
  if (charged.length === 0) return
  const replies = charged.flatMap((charge) => giveBack(charge, Math.min(cost, charge.charged)))
  const pending = [...replies, readAgain(charged)].filter(isPromise)
  if (pending.length > 0) return Promise.all(pending).then(() => {})
}

/** Gives back units of a charge, those that were charged last first. Its verdict stays as it is. */
function giveBack(charge: RequestCharge, units: number): (void | Promise<void>)[] {
  if (charge.permit !== null) {
    // The permit knows when its units were renewed.
    charge.charged = 0
    return [charge.permit.release()]
  }
  const replies: (void | Promise<void>)[] = []
  for (let left = units; left > 0; ) {
    const last = charge.charged - sum(charge.earlier)
    const cost = Math.min(left, last)
    replies.push(charge.owner.store.refund([anotherCharge(charge, cost)]))
    charge.charged -= cost
    left -= cost
    if (cost === last) {
      const { chargedAt, chargedBy } = charge.earlier?.pop() ?? charge
      Object.assign(charge, { chargedAt, chargedBy })
    }
  }
  return replies
}

/** Gives back all units of charges. A store that fails now lets them come back with time. */
export function giveAllBack(charges: readonly RequestCharge[]): void {
  for (const charge of charges) giveBackQuietly(charge, charge.charged)
}

/** Gives back units of a charge; nobody waits for it. */
export function giveBackQuietly(charge: RequestCharge, units: number): void {
  for (const reply of giveBack(charge, units)) if (isPromise(reply)) reply.then(null, () => {})
}

/** Reads the verdicts of some charges of one owner again. */
export function readAgain(charges: readonly RequestCharge[]): void | Promise<void> {
  if (charges.length === 0) return
  const peeked = charges.map((charge) => anotherCharge(charge, 0))
  const update = () => {
    for (const [i, charge] of peeked.entries()) copyVerdict(charge, charges[i])
  }
  const reply = charges[0].owner.store.peek(peeked)
  // If the peek fails, keep the last verdict: it is informational.
  if (isPromise(reply)) return reply.then(update, () => {})
  update()
}

/**
 * A charge to the same bucket and key. A store over a network may get several of them before it replies to
 * the first.
 */
export function anotherCharge({ bucket, key, chargedAt, chargedBy }: RequestCharge, cost: number): Charge {
  const charge = newCharge(bucket)
  charge.key = key
  charge.cost = cost
  charge.chargedAt = chargedAt
  charge.source = chargedBy
  return charge
}

export function copyVerdict(
  { allowed, remaining, resetAfter, renewAfter, retryAfter, delay, blocked, source }: Charge,
  charge: RequestCharge,
): void {
  const verdict = { allowed, remaining, resetAfter, renewAfter, retryAfter, delay, blocked, source }
  Object.assign(charge, verdict)
}

/** Adds the units and the verdict of another charge, which was allowed. */
export function addUnits(charge: RequestCharge, added: Charge): void {
  const units = charge.charged - sum(charge.earlier)
  const { chargedAt, chargedBy } = charge
  if (units > 0) charge.earlier = [...(charge.earlier ?? []), { chargedAt, units, chargedBy }]
  charge.charged += added.cost
  charge.chargedAt = added.chargedAt
  charge.chargedBy = added.source
  copyVerdict(added, charge)
}

function sum(charges: readonly { units: number }[] | null): number {
  return charges === null ? 0 : charges.reduce((units, charge) => units + charge.units, 0)
}

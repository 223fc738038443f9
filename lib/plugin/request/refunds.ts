import type { Charge } from '../../../types/index.js'
import { newCharge } from '../../store/index.js'
import { isPromise } from '../config/keys.js'
import type { Entry } from './request-charge.js'

/**
 * Gives `cost` units back to each entry that was charged, at most and by default what it was, and looks at it anew. A promise
 * where the store answers with one.
 */
export function refund(entries: readonly Entry[], cost = Number.POSITIVE_INFINITY): void | Promise<void> {
  const charged = entries.filter((entry) => entry.charged > 0)
  if (charged.length === 0) return
  const answers = charged.flatMap((entry) => giveBack(entry, Math.min(cost, entry.charged)))
  const pending = [...answers, look(charged)].filter(isPromise)
  if (pending.length > 0) return Promise.all(pending).then(() => {})
}

/** Gives units of an entry back, those charged last first. */
function giveBack(entry: Entry, units: number): (void | Promise<void>)[] {
  const answers: (void | Promise<void>)[] = []
  for (let left = units; left > 0; ) {
    const last = entry.charged - sum(entry.earlier)
    const cost = Math.min(left, last)
    answers.push(entry.owner.store.refund([chargeOf(entry, cost)]))
    entry.charged -= cost
    left -= cost
    if (cost === last) {
      const { chargedAt, chargedBy } = entry.earlier?.pop() ?? entry
      Object.assign(entry, { chargedAt, chargedBy })
    }
  }
  return answers
}

/** Asks for the verdicts of some entries of one owner as they are now. */
export function look(entries: readonly Entry[]): void | Promise<void> {
  if (entries.length === 0) return
  const charges = entries.map((entry) => chargeOf(entry, 0))
  const update = () => {
    for (const [i, charge] of charges.entries()) copyVerdict(charge, entries[i])
  }
  const answer = entries[0].owner.store.peek(charges)
  // What cannot be asked stays as it was last told: this only tells.
  if (isPromise(answer)) return answer.then(update, () => {})
  update()
}

/** A charge to the bucket and key of an entry: stores that answer later may be asked again before they do. */
export function chargeOf({ bucket, key, chargedAt, chargedBy }: Entry, cost: number): Charge {
  return { ...newCharge(bucket), key, cost, chargedAt, source: chargedBy }
}

export function copyVerdict(
  { allowed, remaining, resetAfter, renewAfter, retryAfter, source }: Charge,
  entry: Entry,
): void {
  Object.assign(entry, { allowed, remaining, resetAfter, renewAfter, retryAfter, source })
}

/** What a charge that was allowed adds to its entry. */
export function addUnits(entry: Entry, charge: Charge): void {
  const units = entry.charged - sum(entry.earlier)
  const { chargedAt, chargedBy } = entry
  if (units > 0) entry.earlier = [...(entry.earlier ?? []), { chargedAt, units, chargedBy }]
  entry.charged += charge.cost
  entry.chargedAt = charge.chargedAt
  entry.chargedBy = charge.source
  copyVerdict(charge, entry)
}

function sum(charges: readonly { units: number }[] | null): number {
  return charges === null ? 0 : charges.reduce((units, charge) => units + charge.units, 0)
}

import type { Charge, TakeOptions, WaitOptions } from '../../types/index.js'
import { checkCost, invalidOption, ownOptions, refuseUnknown } from '../policy/index.js'
import { badKey } from './errors.js'

/** Writes the question into charges. Throws for a key or a cost that is not allowed. */
export function ask(charges: readonly Charge[], key: string, cost = 1): readonly Charge[] {
  checkKey(key)
  if (cost !== 1) checkCost(cost)
  for (const charge of charges) {
    charge.key = key
    charge.cost = cost
    charge.chargedAt = Number.POSITIVE_INFINITY
    charge.first = false
  }
  return charges
}

export function checkKey(key: unknown): void {
  if (typeof key !== 'string' || key === '') throw badKey(key)
}

/** The cost of a call. Refuses a number in place of the options: it would be a cost that is not charged. */
export function costOf(options: TakeOptions | undefined): number | undefined {
  if (options === undefined) return undefined
  refuseUnknown(options, ['cost'], 'options.')
  return Object.hasOwn(options, 'cost') ? options.cost : undefined
}

export function readWait(options: WaitOptions | undefined): WaitOptions {
  if (options === undefined) return {}
  const { cost, signal } = ownOptions(options, ['cost', 'signal'], 'options.')
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidOption('options.signal', signal, 'an AbortSignal')
  return { cost, signal }
}

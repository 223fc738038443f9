import type { RequestLimiter } from '../config/request-limiter.js'
import type { Point } from '../lifecycle/points.js'
import type { Stage } from '../lifecycle/stage.js'
import type { Decider, Step } from './plan.js'

/** The points after arrival, the last one first. */
const BACKWARDS: readonly Point[] = ['preHandler', 'preValidation', 'onRequest']

type NewStage = (members: readonly RequestLimiter[]) => Stage

/** The stage of the limiters of one point, which decide together; null if there are none. */
export function stageAt(
  point: Point,
  members: readonly RequestLimiter[],
  newStage: NewStage,
): Decider | null {
  const here = members.filter((member) => member.point === point)
  const stages: Decider[] = groupsOf(here).map((group) => newStage(group))
  return stages.length === 0 ? null : stages.reduceRight(inTurn)
}

/**
 * Those that decide together. Shadows decide by themselves, and first: neither a key that is missing nor a
 * function that fails is then a matter of others, and those who deny are too late to keep a shadow from
 * counting.
 */
function groupsOf(members: readonly RequestLimiter[]): (readonly RequestLimiter[])[] {
  const enforced = members.filter(({ limiter }) => !limiter.isShadow)
  const shadows = members.filter(({ limiter }) => limiter.isShadow).map((member) => [member])
  return enforced.length === 0 ? shadows : [...shadows, enforced]
}

function inTurn(second: Decider, first: Decider): Decider {
  return {
    decide(request, reply, done) {
      first.decide(request, reply, (error) =>
        error === undefined ? second.decide(request, reply, done) : done(error),
      )
    },
  }
}

/** The steps after arrival. `late`: those that run on arrival run now, as it is over. */
export function stepsOf(members: readonly RequestLimiter[], newStage: NewStage, late = false): Step | null {
  let steps: Step | null = null
  for (const point of BACKWARDS) {
    const here = members.filter(
      (member) => member.point === point || (late && point === 'onRequest' && member.point === 'arrival'),
    )
    for (const group of groupsOf(here).reverse())
      steps = { point, stage: newStage(group), chooser: null, later: [], next: steps }
  }
  return steps
}

/**
 * Asks every lane once a round, in an order that turns by one from round to round. Returns the answers by the
 * name of the lane, one a round.
 */
export async function interleave(lanes, rounds, ask) {
  const answers = new Map(lanes.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[(i + round) % lanes.length]
      answers.get(lane.name).push(await ask(lane))
    }
  }
  return answers
}

export function median(numbers) {
  return quantile(numbers, 0.5)
}

export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const low = Math.floor(at)
  return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low)
}

/** The median of the ratios of each round: noise that two neighbours share falls out. */
export function medianRatio(numerators, denominators) {
  return median(numerators.map((numerator, round) => numerator / denominators[round]))
}

/**
 * Times pieces of work: wall and CPU time, in ns. The CPU time is that of all threads of this process, the
 * garbage collector's and the compiler's included; on a machine that others use as well it is the steadier of
 * the two.
 */
export class Stopwatch {
  wall = 0
  cpu = 0
  #wall = 0n
  #cpu

  start() {
    this.#cpu = process.cpuUsage()
    this.#wall = process.hrtime.bigint()
  }

  stop() {
    this.wall += Number(process.hrtime.bigint() - this.#wall)
    const { user, system } = process.cpuUsage(this.#cpu)
    this.cpu += (user + system) * 1000
  }
}

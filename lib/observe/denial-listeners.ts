import type { DenialLog } from './denial-log.js'
import type { Offenders } from './offenders.js'
import type { Denial } from './sketch.js'

/** Who hears of the denials of one limiter. Null for nobody. */
export class DenialListeners {
  readonly offenders: Offenders | null
  readonly log: DenialLog | null

  constructor(offenders: Offenders | null, log: DenialLog | null) {
    this.offenders = offenders
    this.log = log
  }

  add(key: string, denial: Denial): void {
    this.offenders?.add(key, denial)
    if (denial !== 'shadowDenied') this.log?.add()
  }
}

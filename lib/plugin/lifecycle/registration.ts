import type { Permits } from '../../limiter/index.js'
import type { Counters } from '../../observe/index.js'
import type { AllowedClients } from '../config/allowed-clients.js'
import type { Strategies } from '../config/key-strategies.js'
import type { Warnings } from '../config/warnings.js'
import type { DenialReply } from '../reply/denial-reply.js'
import type { FailureReply } from '../reply/failure-reply.js'
import type { ChargeOwner } from '../request/request-charge.js'
import type { HeldRequests } from './held-requests.js'

/** The parts of a registration that its stages use. */
export interface Registration extends ChargeOwner {
  readonly strategies: Strategies
  readonly allowed: AllowedClients
  readonly warnings: Warnings
  readonly denials: DenialReply
  readonly failures: FailureReply
  readonly held: HeldRequests
  readonly permits: Permits
  readonly counters: Counters
}

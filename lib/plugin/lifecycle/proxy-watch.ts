import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Warnings } from '../config/warnings.js'
import type { Internals } from '../internals.js'

/** How many requests with the header are examined, unless one of them causes a warning before. */
const LOOKS = 100

/**
 * Warns of a `trustProxy` that makes all clients behind a proxy one client, or lets clients choose their
 * address.
 */
export class ProxyWatch {
  readonly #internals: Internals
  readonly #warnings: Warnings
  /** Requests with the header that are still to be examined. */
  #left: number

  constructor(internals: Internals, warnings: Warnings) {
    this.#internals = internals
    this.#warnings = warnings
    const codes = ['FST_FLOODGATE_W001', 'FST_FLOODGATE_W004', 'FST_FLOODGATE_W011'] as const
    this.#left = codes.some((code) => warnings.wants(code)) ? LOOKS : 0
  }

  /** Checks the settings, which are final when the app is ready. */
  onReady(app: FastifyInstance): void {
    if (this.#internals.trustProxy(app) === true) this.#warnings.once('FST_FLOODGATE_W010')
  }

  /** Checks the header of a request on its arrival. */
  onRequest(request: FastifyRequest): void {
    if (this.#left === 0) return
    const forwarded = request.headers['x-forwarded-for']
    if (forwarded) this.#look(request, addressesIn(String(forwarded)))
  }

  #look({ ip, ips, server }: FastifyRequest, forwarded: readonly unknown[]): void {
    if (forwarded.length === 0) return
    this.#left--
    // With more addresses than the peer's, the peer is trusted. A peer that the header names is the client
    // itself: @fastify/aws-lambda passes the client's address as the peer's.
    if (ips === undefined ? forwarded.includes(ip) : ips.length > 1) return
    this.#left = 0
    if (ips === undefined) this.#warnings.once('FST_FLOODGATE_W001')
    else if (typeof this.#internals.trustProxy(server) === 'number') this.#warnings.once('FST_FLOODGATE_W004')
    else this.#warnings.once('FST_FLOODGATE_W011')
  }
}

function addressesIn(header: string): string[] {
  return header
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '')
}

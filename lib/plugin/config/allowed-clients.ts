import { BlockList, isIP, isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { AllowList } from '../../../types/index.js'
import { bareAddress, type Groups, ipv4Of, isTranslated, parseIpv6 } from '../../address/index.js'
import { invalidOption } from '../../policy/index.js'
import { isPromise } from '../is-promise.js'

const ALLOWED =
  "a list of addresses and CIDR blocks such as ['10.0.0.0/8'], or a function (request, key, limiter) => boolean"

/** The option `allow`: clients that no limiter counts, by their address or by a function. */
export class AllowedClients {
  readonly #lists: Lists | null = null
  readonly #allows: Extract<AllowList, (...args: never[]) => unknown> | null = null

  constructor(allow: AllowList | undefined) {
    if (typeof allow === 'function') this.#allows = allow
    else if (allow !== undefined) {
      if (!Array.isArray(allow)) throw invalidOption('allow', allow, ALLOWED)
      this.#lists = { ipv4: new BlockList(), ipv6: new BlockList() }
      for (const entry of allow) addEntry(this.#lists, entry)
    }
  }

  /** Whether the list has the address of a request. Reads `ip` only if there is a list. */
  hasAddressOf(request: FastifyRequest): boolean {
    return this.#lists !== null && isListed(this.#lists, request.ip)
  }

  /** Whether the function allows a request that a limiter would count under `key`. */
  allows(request: FastifyRequest, key: string, limiter: string): boolean | Promise<boolean> {
    if (this.#allows === null) return false
    const allows: unknown = this.#allows(request, key, limiter)
    return isPromise(allows) ? Promise.resolve(allows).then((allows) => allows === true) : allows === true
  }
}

/**
 * A list for each family: a network of one holds no addresses of the other, and `::/0` is not all clients.
 */
interface Lists {
  readonly ipv4: BlockList
  readonly ipv6: BlockList
}

function addEntry(lists: Lists, entry: unknown): void {
  const [address, size, ...rest] = String(entry).split('/')
  const version = isIP(address)
  const width = version === 4 ? 32 : 128
  const bits = size === undefined ? width : /^\d{1,3}$/.test(size) ? Number(size) : Number.NaN
  if (version === 0 || address.includes('%') || rest.length > 0 || !(bits <= width))
    throw invalidOption('allow', entry, ALLOWED)
  if (version === 4) return lists.ipv4.addSubnet(address, bits, 'ipv4')
  const groups = parseIpv6(address) as Groups
  // Unwrapped, 64:ff9b::/96 would allow all IPv4 clients.
  if (isTranslated(groups))
    throw invalidOption('allow', entry, `${ALLOWED}; clients of NAT64 and SIIT as IPv4`)
  const ipv4 = ipv4Of(groups)
  if (ipv4 !== null && bits >= 96) lists.ipv4.addSubnet(ipv4, bits - 96, 'ipv4')
  else lists.ipv6.addSubnet(address, bits, 'ipv6')
}

function isListed({ ipv4, ipv6 }: Lists, ip: string | undefined): boolean {
  if (ip === undefined) return false
  const address = bareAddress(ip)
  if (isIPv4(address)) return ipv4.check(address, 'ipv4')
  const groups = parseIpv6(address)
  if (groups === null) return false
  const embedded = ipv4Of(groups)
  if (embedded !== null) return ipv4.check(embedded, 'ipv4')
  return ipv6.check(groups.map((group) => group.toString(16)).join(':'), 'ipv6')
}

import { BlockList, isIP, isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { AllowList } from '../../../types/index.js'
import { invalidOption } from '../../policy/index.js'
import { bareAddress, type Groups, ipv4Of, isTranslated, parseIpv6 } from './ip.js'

/** Who is never limited. Either part may be missing. */
export interface Allow {
  /** Is this address on the list? */
  readonly address: ((ip: string | undefined) => boolean) | null
  readonly client: ((request: FastifyRequest, key: string) => boolean) | null
}

const ALLOWED = "addresses and CIDR blocks such as '10.0.0.0/8', or a function (request, key) => boolean"

export function compileAllow(allow: AllowList | undefined): Allow {
  if (allow === undefined) return { address: null, client: null }
  if (typeof allow === 'function') {
    if (allow.constructor.name === 'AsyncFunction')
      throw invalidOption('allow', allow, `${ALLOWED}, not async`)
    return { address: null, client: (request, key) => allow(request, key) === true }
  }
  if (!Array.isArray(allow)) throw invalidOption('allow', allow, ALLOWED)
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const entry of allow) addEntry(lists, entry)
  return { address: (ip) => ip !== undefined && isListed(lists, ip), client: null }
}

/** A list for each family: networks of one hold no addresses of the other, and `::/0` is not everybody. */
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

function isListed({ ipv4, ipv6 }: Lists, ip: string): boolean {
  const address = bareAddress(ip)
  if (isIPv4(address)) return ipv4.check(address, 'ipv4')
  const groups = parseIpv6(address)
  if (groups === null) return false
  const embedded = ipv4Of(groups)
  if (embedded !== null) return ipv4.check(embedded, 'ipv4')
  return ipv6.check(groups.map((group) => group.toString(16)).join(':'), 'ipv6')
}

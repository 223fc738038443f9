import { BlockList, isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import type { AllowList } from '../../types/index.js'
import { invalidOption } from '../policy/index.js'
import { bareAddress } from './ip.js'

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
  const list = new BlockList()
  for (const entry of allow) addEntry(list, entry)
  return { address: (ip) => ip !== undefined && isListed(list, ip), client: null }
}

function addEntry(list: BlockList, entry: unknown): void {
  const [address, bits, ...rest] = String(entry).split('/')
  const version = isIP(address)
  const width = version === 4 ? 32 : 128
  const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (version === 0 || address.includes('%') || rest.length > 0 || !(prefix <= width))
    throw invalidOption('allow', entry, ALLOWED)
  list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6')
}

function isListed(list: BlockList, ip: string): boolean {
  let address = bareAddress(ip)
  if (address.includes(':')) {
    if (!ipaddr.IPv6.isValid(address)) return false
    const parsed = ipaddr.IPv6.parse(address)
    if (!parsed.isIPv4MappedAddress()) return list.check(address, 'ipv6')
    address = parsed.toIPv4Address().toString()
  }
  return isIP(address) === 4 && list.check(address, 'ipv4')
}

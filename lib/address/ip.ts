import { isIP, isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { invalidOption } from '../policy/index.js'

/** The key of clients without an address. */
const UNKNOWN = 'unknown'

/** An IPv6 address as eight groups of 16 bits. */
export type Groups = readonly number[]

/**
 * `1.2.3.4:80` and `[::1]:80`, as some proxies write into X-Forwarded-For. The port does not belong to the
 * key.
 */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/
/**
 * `::10.0.0.1`, IPv4-compatible, which RFC 4291 (section 2.5.5.1) deprecates. It is an IPv6 address like
 * others, but ipaddr.js reads it as IPv4-mapped.
 */
const COMPATIBLE = /^::(?=[^:]+\.)/

/** IPv4-mapped, ::ffff:0:0/96: RFC 4291, section 2.5.5.2. */
const MAPPED: Groups = [0, 0, 0, 0, 0, 0xffff]
/**
 * Where translators put IPv4 addresses: ::ffff:0:0:0/96 (SIIT; RFC 2765, section 2.1) and 64:ff9b::/96
 * (NAT64; RFC 6052, section 2.1).
 */
const TRANSLATED: readonly Groups[] = [
  [0, 0, 0, 0, 0xffff, 0],
  [0x64, 0xff9b, 0, 0, 0, 0],
]
/**
 * 64:ff9b:1::/48, for translators of a local network (RFC 8215). Each network puts the IPv4 address where it
 * likes.
 */
const TRANSLATED_LOCALLY: Groups = [0x64, 0xff9b, 1]

/**
 * The key of a client's address: IPv4 as it is, and IPv6 as its network of `prefix` bits, in canonical form.
 * An IPv6 address that stands for an IPv4 client is that client: mapped and translated addresses become IPv4.
 * Addresses in 64:ff9b:1::/48 are counted one by one. Other text stays as it is. A missing address (a Unix
 * socket) is `unknown`. `prefix`: 1 to 128, default 64. Throws `FST_FLOODGATE_OPTION` for others.
 *
 * @example
 * ```js
 * ipKey('2001:db8:1:2:3:4:5:6') // '2001:db8:1:2::/64'
 * app.rateLimit.get('login').reset(ipKey(address))
 * ```
 */
export function ipKey(ip: string | undefined, prefix = 64): string {
  if (typeof ip !== 'string' && ip !== undefined)
    throw invalidOption('ip', ip, 'an address as a string, or undefined')
  return addressKey(ip, checkPrefix(prefix, 'prefix'))
}

/** Returns the length of an IPv6 network in bits. Throws `FST_FLOODGATE_OPTION` for any other value. */
export function checkPrefix(prefix: unknown, option = 'ipv6Prefix'): number {
  if (typeof prefix === 'number' && Number.isInteger(prefix) && prefix >= 1 && prefix <= 128) return prefix
  throw invalidOption(option, prefix, 'an integer from 1 to 128')
}

/** The same as `ipKey`, for a prefix that was checked. */
export function addressKey(ip: string | undefined, prefix: number): string {
  if (!ip) return UNKNOWN
  if (!ip.includes(':')) return ip
  // A server that listens on IPv6 sees all its IPv4 clients like this.
  if (ip.startsWith('::ffff:') && isIPv4(ip.slice(7))) return ip.slice(7)
  const address = bareAddress(ip)
  const groups = parseIpv6(address)
  if (groups === null) return address
  const ipv4 = ipv4Of(groups)
  if (ipv4 !== null) return ipv4
  const bits = beginsWith(groups, TRANSLATED_LOCALLY) ? 128 : prefix
  const network = groups.map((group, i) => group & mask(bits - 16 * i))
  return `${new ipaddr.IPv6(network).toString()}/${bits}`
}

/** Whether a key may be one that `ipKey` returns: an address, an IPv6 network, or `unknown`. */
export function isAddressKey(key: string): boolean {
  return key === UNKNOWN || isIP(key.split('/', 1)[0]) > 0
}

/** The address without brackets and port, where it has them. */
export function bareAddress(ip: string): string {
  const match = WITH_PORT.exec(ip)
  return match === null ? ip : (match[1] ?? match[2])
}

/** The groups of an IPv6 address; null for other text. */
export function parseIpv6(address: string): Groups | null {
  try {
    return ipaddr.IPv6.parse(address.replace(COMPATIBLE, '0::')).parts
  } catch {
    return null
  }
}

/** The IPv4 address that an IPv6 address stands for: mapped or translated. Null for others. */
export function ipv4Of(groups: Groups): string | null {
  if (!beginsWith(groups, MAPPED) && !isTranslated(groups)) return null
  const [high, low] = groups.slice(6)
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

export function isTranslated(groups: Groups): boolean {
  return TRANSLATED.some((prefix) => beginsWith(groups, prefix))
}

function beginsWith(groups: Groups, prefix: Groups): boolean {
  return prefix.every((group, i) => group === groups[i])
}

/** The 16-bit mask that keeps `bits` bits, none below 0, all from 16 on. */
function mask(bits: number): number {
  return bits <= 0 ? 0 : bits >= 16 ? 0xffff : (0xffff << (16 - bits)) & 0xffff
}

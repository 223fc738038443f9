import ipaddr from 'ipaddr.js'

/** `1.2.3.4:80` and `[::1]:80`, as some proxies write into X-Forwarded-For: a port is no part of who somebody is. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/

/**
 * The key of a client's address: an IPv4 address as it is, IPv4-mapped IPv6 as IPv4, and IPv6 as its network of `prefix` bits, in
 * canonical form. What is no address stays itself; a missing one (a Unix socket) is `unknown`.
 */
export function ipKey(ip: string | undefined, prefix: number): string {
  if (!ip) return 'unknown'
  if (!ip.includes(':')) return ip
  const bare = bareAddress(ip)
  if (!ipaddr.IPv6.isValid(bare)) return bare
  const address = ipaddr.IPv6.parse(bare)
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString()
  const parts = address.parts.map((part, i) => part & mask(prefix - 16 * i))
  return `${new ipaddr.IPv6(parts).toString()}/${prefix}`
}

/** The address without brackets and port, where it has them. */
export function bareAddress(ip: string): string {
  const match = WITH_PORT.exec(ip)
  return match === null ? ip : (match[1] ?? match[2])
}

/** The 16-bit mask that keeps `bits` bits, none below 0, all from 16 on. */
function mask(bits: number): number {
  return bits <= 0 ? 0 : bits >= 16 ? 0xffff : (0xffff << (16 - bits)) & 0xffff
}

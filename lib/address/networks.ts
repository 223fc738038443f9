import { isIP } from 'node:net'
import { addressKey, bareAddress } from './ip.js'

/** Most addresses that are remembered, and most characters of one: text of proxies may be of any length. */
const MOST = 10_000
const LONGEST = 64

/**
 * `addressKey` for a fixed prefix. It remembers IPv6 addresses, whose key takes 100 times longer to find out
 * than to look up. An IPv4 address is its own key.
 */
export class Networks {
  readonly #prefix: number
  readonly #known = new Map<string, string>()

  constructor(prefix: number) {
    this.#prefix = prefix
  }

  keyOf(ip: string | undefined): string {
    if (ip === undefined || !ip.includes(':')) return addressKey(ip, this.#prefix)
    const known = this.#known.get(ip)
    if (known !== undefined) return known
    const key = addressKey(ip, this.#prefix)
    if (ip.length > LONGEST) return key
    if (this.#known.size >= MOST) this.#known.clear()
    this.#known.set(ip, key)
    return key
  }

  /**
   * The key of the client that somebody means by an address or a network, where it is another one than the
   * text: `2001:db8::/64` for `2001:DB8::1`, and `10.0.0.0` for `10.0.0.0/8`. Null for a key, and for text
   * that is no address.
   */
  corrected(text: string): string | null {
    const [address] = text.trim().split('/', 1)
    if (isIP(bareAddress(address)) === 0) return null
    const key = addressKey(address, this.#prefix)
    return key === text ? null : key
  }
}

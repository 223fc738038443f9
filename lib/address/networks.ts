import { addressKey } from './ip.js'

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
}

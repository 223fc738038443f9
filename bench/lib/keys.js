const ALPHABET = Buffer.from('abcdefghijkmnopqrstuvwxyz2345678', 'latin1')
const HEAD = 'GET /v1/things HTTP/1.1\r\nhost: api.example.com\r\nx-api-key: sk_live_'
const PREFIX = 'sk_live_'.length
const DIGITS = 20

/** Length of every key, in characters. */
export const KEY_LENGTH = PREFIX + DIGITS

/**
 * Keys as Node's HTTP parser hands them over: each a new flat string, cut out of the bytes of a request,
 * whose hash nobody has computed yet. A key that is kept in a variable and asked about again and again would
 * flatter whatever is built on a Map, since V8 stores a string's hash inside the string.
 */
export class Keys {
  /** How many different keys there are. */
  count
  #bytes = Buffer.from(`${HEAD}${'a'.repeat(DIGITS)}\r\n\r\n`, 'latin1')
  #random

  constructor(count, seed = 0x2545f491) {
    this.count = count
    this.#random = seed
  }

  /** The key of that number, a new string at every call. */
  at(number) {
    const bytes = this.#bytes
    let word = scramble(number + 1)
    for (let i = 0, shift = 0; i < DIGITS; i++, shift += 5) {
      if (shift > 25) {
        word = scramble(word + number)
        shift = 0
      }
      bytes[HEAD.length + i] = ALPHABET[(word >>> shift) & 31]
    }
    return bytes.latin1Slice(HEAD.length - PREFIX, HEAD.length + DIGITS)
  }

  /** Fills a list with keys picked at random: the same ones for the same seed. */
  pick(list) {
    for (let i = 0; i < list.length; i++) list[i] = this.at(this.#next())
    return list
  }

  #next() {
    let random = this.#random
    random ^= random << 13
    random ^= random >>> 17
    random ^= random << 5
    this.#random = random
    return (random >>> 0) % this.count
  }
}

/** A mixture of 32 bits, different for different numbers. */
function scramble(number) {
  let word = Math.imul(number ^ (number >>> 16), 0x7feb352d)
  word = Math.imul(word ^ (word >>> 15), 0x846ca68b)
  return (word ^ (word >>> 16)) >>> 0
}

import { randomBytes } from 'node:crypto'

/**
 * HalfSipHash-1-3 with 64 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF"; the
 * 32-bit variant is the one that keys the Linux kernel's hash tables). Its seed is random, so nobody can make
 * keys collide.
 *
 * A string of Latin-1 characters, as every header is, is a message of one byte each, four to a word. Any
 * other string is a message of UTF-16 code units, two to a word, which starts from another state. So
 * different strings are always different messages.
 *
 * The round is written out twice over local variables. As a method it would go through memory and take three
 * times as long, and it is most of the time of a decision.
 */
export class KeyHasher {
  /**
   * Low half of the last digest. Signed, because V8 keeps signed words as integers, and others as doubles.
   */
  low = 0
  /** High half of the last digest, signed. Never both 0. */
  high = 0
  readonly #k0: number
  readonly #k1: number

  constructor(seed: Uint8Array = randomBytes(8)) {
    const view = new DataView(seed.buffer, seed.byteOffset, 8)
    this.#k0 = view.getInt32(0, true)
    this.#k1 = view.getInt32(4, true)
  }

  /** Hashes `key` in a key space, and writes the digest to `low` and `high`. */
  digest(space: number, key: string): void {
    if (!this.#digest(space, key, 4)) this.#digest(space, key, 2)
  }

  /**
   * With `units` 4: four Latin-1 characters a word. Returns false if it meets any other. With 2: two code
   * units a word.
   */
  #digest(space: number, key: string, units: number): boolean {
    const length = key.length
    const bits = units === 4 ? 8 : 16
    let v0 = this.#k0 ^ space
    let v1 = this.#k1 ^ 0xee
    let v2 = this.#k0 ^ 0x6c796765
    let v3 = this.#k1 ^ 0x74656462 ^ (units << 7)
    let wide = 0
    let at = 0
    for (; at + units <= length; at += units) {
      let word = key.charCodeAt(at)
      if (units === 4) {
        const b = key.charCodeAt(at + 1)
        const c = key.charCodeAt(at + 2)
        const d = key.charCodeAt(at + 3)
        wide |= word | b | c | d
        word |= (b << 8) | (c << 16) | (d << 24)
      } else word |= key.charCodeAt(at + 1) << 16
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    let tail = 0
    for (let offset = 0; at < length; at++, offset += bits) {
      const unit = key.charCodeAt(at)
      wide |= unit
      tail |= unit << offset
    }
    if (wide > 255 && units === 4) return false
    // The rest (never a full word), the length, and twice three rounds to finish.
    for (let i = 0; i < 8; i++) {
      const word = i === 0 ? tail : i === 1 ? length : 0
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
      if (i === 1) v2 ^= 0xee
      else if (i === 4) {
        this.low = v1 ^ v3
        v1 ^= 0xdd
      }
    }
    this.high = v1 ^ v3
    if (this.low === 0 && this.high === 0) this.low = 1
    return true
  }
}

import { createHmac, createSecretKey, hash } from 'node:crypto'

/** Characters of a digest in base64url: 132 bits of SHA-256. */
const DIGEST = 22

/** Turns a client's key into the digest that stands for it in Redis. */
export type Digest = (key: string) => string

/** SHA-256, or HMAC-SHA-256 (RFC 2104) under a secret, without which nobody can try keys out. */
export function digestWith(secret: string | Buffer | undefined): Digest {
  if (secret === undefined) return digestOf
  const key = createSecretKey(Buffer.from(secret as string))
  return digestBy((text) => createHmac('sha256', key).update(text).digest('base64url'))
}

const digestOf = digestBy((text) => hash('sha256', text, 'base64url'))

/** Text that is not Unicode keeps what UTF-8 would lose, and is marked. */
function digestBy(sum: (text: string | Buffer) => string): Digest {
  return (key) =>
    key.isWellFormed() ? sum(key).slice(0, DIGEST) : `${sum(Buffer.from(key, 'utf16le')).slice(0, DIGEST)}~`
}

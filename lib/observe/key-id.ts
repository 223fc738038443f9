import { createHmac, randomBytes } from 'node:crypto'

const DIGITS = 16
/** Without it, keys that somebody guesses could be recognized by their ids. */
const SECRET = randomBytes(32)

/** What stands for a key of a limiter where the key is not to be seen: in this process, while it lives. */
export function keyId(limiter: string, key: string): string {
  return createHmac('sha256', SECRET)
    .update(JSON.stringify([limiter, key]))
    .digest('hex')
    .slice(0, DIGITS)
}

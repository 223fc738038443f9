import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'

/** Bytes of what AES-256-GCM puts before a text. */
const IV = 12
const TAG = 16

/** Makes what only the processes with the same secret can read. Without a secret all is as it is. */
export interface Seal {
  close(text: string): string
  /** Throws where it was closed with another secret. */
  open(sealed: string): string
}

const NONE: Seal = { close: (text) => text, open: (sealed) => sealed }

/** Texts hold keys in clear, whose digests no one can try out without the secret. */
export function sealWith(secret: string | Buffer | undefined): Seal {
  if (secret === undefined) return NONE
  const bytes = hkdfSync('sha256', Buffer.from(secret as string), '', 'fastify-floodgate fleet', 32)
  const key = createSecretKey(Buffer.from(bytes))
  return {
    close: (text) => {
      const iv = randomBytes(IV)
      const cipher = createCipheriv('aes-256-gcm', key, iv)
      const body = [cipher.update(text, 'utf8'), cipher.final()]
      return Buffer.concat([iv, cipher.getAuthTag(), ...body]).toString('base64')
    },
    open: (sealed) => {
      const bytes = Buffer.from(sealed, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV), { authTagLength: TAG })
      decipher.setAuthTag(bytes.subarray(IV, IV + TAG))
      return Buffer.concat([decipher.update(bytes.subarray(IV + TAG)), decipher.final()]).toString('utf8')
    },
  }
}

import type { Period, PolicyOptions } from '../../../types/index.js'
import { invalidOption } from '../../policy/index.js'

const ALLOWED = "options such as 'rate=100 per=minute burst=10', several policies joined by ' + ', or JSON"
const OPTION = /^\s*([\w.]+)=("[^"]*"|'[^']*'|[^\s"']\S*)(?=\s|$)/

/**
 * The policy or policies of one `--policy`: `rate=100 per='15 minutes' block.for=1h`, some of them joined by
 * ` + `, or JSON. Throws `FST_FLOODGATE_OPTION` for other text; it does not check the options.
 */
export function parsePolicies(text: string): PolicyOptions | PolicyOptions[] {
  if (/^\s*[[{]/.test(text)) {
    try {
      return JSON.parse(text)
    } catch {
      throw invalidOption('--policy', text, ALLOWED)
    }
  }
  const policies = text.split(' + ').map((part) => parsePolicy(part, text))
  return policies.length === 1 ? policies[0] : policies
}

function parsePolicy(part: string, text: string): PolicyOptions {
  const options: Record<string, unknown> = {}
  let rest = part
  for (let match = OPTION.exec(rest); match !== null; match = OPTION.exec(rest)) {
    const [whole, name, value] = match
    const [outer, inner] = name.split('.', 2)
    if (inner === undefined) options[outer] = parseValue(value)
    else options[outer] = { ...(options[outer] as object), [inner]: parseValue(value) }
    rest = rest.slice(whole.length)
  }
  if (rest.trim() !== '' || part.trim() === '') throw invalidOption('--policy', text, ALLOWED)
  return options
}

/** A number, `true` or `false` as such, and any other text without the quotes around it. */
export function parseValue(text: string): unknown {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  return text.replace(/^(["'])(.*)\1$/, '$2')
}

/** The rates of `--rates`: `10/minute,5/second`. */
export function parseRates(text: string): { rate: number; per: Period }[] {
  return text.split(',').map((one) => {
    const match = /^\s*(\d+)\/(.+?)\s*$/.exec(one)
    if (match === null) throw invalidOption('--rates', text, "rates such as '10/minute,5/second'")
    return { rate: Number(match[1]), per: parseValue(match[2]) as Period }
  })
}

/** The share of `--fail-above`: `0.1%` is 0.001. */
export function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text)
  // 0.57 / 100 is not 0.0057. The number of the text is, as 57 / 10,000 is.
  const share = match === null ? Number.NaN : Number(`${match[1]}e-2`)
  if (!(share <= 1)) throw invalidOption('--fail-above', text, "a share of the requests, from '0%' to '100%'")
  return share
}

import type { Period } from '../../../types/index.js'
import { argumentError, type Command, type Io, parseOptions } from '../../command/index.js'
import { logError } from '../errors.js'
import type { ReplayOptions } from '../options.js'
import { counted, percent, whole } from '../output/numbers.js'
import { painter } from '../output/table.js'
import { textOf } from '../output/text.js'
import { replay } from '../replay.js'
import type { ReplayReport } from '../report.js'
import { HELP } from './help.js'
import { PageFile } from './page-file.js'
import { parsePolicies, parseRates, parseShare, parseValue } from './policy-text.js'
import { ProgressBar } from './progress.js'

const TEXT = { type: 'string' } as const
const TEXTS = { type: 'string', multiple: true } as const
const FLAG = { type: 'boolean' } as const

const ARGUMENTS = {
  policy: TEXTS,
  key: TEXT,
  cost: TEXT,
  where: TEXTS,
  status: TEXTS,
  'ipv6-prefix': TEXT,
  skew: TEXT,
  format: TEXT,
  time: TEXT,
  ip: TEXT,
  route: TEXT,
  duration: TEXT,
  advise: FLAG,
  rates: TEXT,
  'show-keys': FLAG,
  json: FLAG,
  html: TEXT,
  'fail-above': TEXT,
  help: { type: 'boolean', short: 'h' },
} as const

/** Exit codes. */
const DONE = 0
const FAILED = 1

/** `fastify-floodgate replay`. */
export const replayCommand: Command = {
  name: 'replay',
  summary: 'reads access logs, and shows who would have been denied',
  async run(args, io) {
    const { values, positionals } = parseOptions(args, ARGUMENTS)
    if (values.help) {
      io.stdout.write(HELP)
      return DONE
    }
    const failAbove = values['fail-above'] === undefined ? null : parseShare(values['fail-above'])
    if (positionals.length === 0) throw argumentError('no file is named, nor - for the standard input')
    if (failAbove !== null && values.policy === undefined)
      throw argumentError('--fail-above needs a --policy')
    const page = values.html === undefined ? null : await PageFile.open(values.html, positionals)
    try {
      const bar = new ProgressBar(io.stderr)
      const options = optionsOf(values, positionals, io)
      const report = await replay({ ...options, onProgress: bar.update }).finally(() => bar.end())
      checkRequests(report)
      await page?.write(report)
      return print(report, values, failAbove, io)
    } catch (error) {
      await page?.discard()
      throw error
    }
  },
}

type Values = ReturnType<typeof parseOptions<typeof ARGUMENTS>>['values']

function optionsOf(values: Values, files: readonly string[], io: Io): ReplayOptions {
  const { policy = [], rates, cost, skew, advise, format, key, where, status } = values
  const { time, ip, route, duration } = values
  const prefix = values['ipv6-prefix']
  // A page has all charts.
  const advice = advise ?? (values.html === undefined ? undefined : true)
  const given = { format, key, where, status, time, ip, route, duration, advice }
  return {
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as object),
    files: files.map((file) => (file === '-' ? io.stdin : file)),
    policies: policy.map(parsePolicies),
    showKeys: values['show-keys'] ?? false,
    ...(rates !== undefined && { rates: parseRates(rates) }),
    ...(cost !== undefined && { cost: parseValue(cost) as number | string }),
    ...(skew !== undefined && { skew: parseValue(skew) as Period }),
    ...(prefix !== undefined && { ipv6Prefix: Number(prefix) }),
  }
}

/** A test that replays nothing would always pass. */
function checkRequests({ requests, leftOut, otherLines, files }: ReplayReport): void {
  if (requests > 0) return
  const names = files.map(({ file }) => file).join(', ')
  const cure =
    otherLines === 0 ? '' : '; where requests have no known address, name it with --ip, or use --key'
  const damage = files.map(({ file, damage }) => (damage === null ? '' : `; ${file} ${damage}`)).join('')
  throw logError(
    names,
    `no request to replay; ${leftOut} left out, ${otherLines} lines without a request${cure}${damage}`,
  )
}

function print(report: ReplayReport, values: Values, failAbove: number | null, io: Io): number {
  const colors = io.stdout.isTTY === true && !io.env.NO_COLOR
  io.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report, painter(colors)))
  if (failAbove === null) return DONE
  const failed = report.policies.filter(({ denied }) => denied.share > failAbove)
  for (const { name, denied, requests } of failed) {
    const outcome = `${whole(denied.count)} of ${counted(requests, 'request')}, ${percent(denied.share)}`
    io.stderr.write(`failed: ${name} denies ${outcome}, more than ${values['fail-above']}\n`)
  }
  return failed.length === 0 ? DONE : FAILED
}

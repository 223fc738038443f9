import { invalidOption } from '../../policy/index.js'
import type { FieldPaths } from './json.js'
import type { SelectionOptions } from './selection.js'

/** Fields of a combined log that a key, a condition or a cost can name. */
const TEXT_FIELDS: readonly string[] = ['ip', 'user', 'method', 'url', 'route', 'status', 'referer', 'agent']

/**
 * Throws `FST_FLOODGATE_OPTION` for an option that names what no text log has. `log` says which log that is,
 * such as `'access.log is a combined log'`.
 */
export function checkTextOptions(selection: SelectionOptions, paths: FieldPaths, log: string): void {
  const { key, where, cost } = selection
  checkField('key', key, ['global', ...TEXT_FIELDS], log)
  for (const { field } of where) checkField('where', field, TEXT_FIELDS, log)
  if (typeof cost === 'string') checkField('cost', cost, TEXT_FIELDS, log, 'a number, ')
  const { duration, ...others } = paths
  for (const [option, path] of Object.entries({ ...others, ...(duration && { duration: duration.path }) })) {
    const statuses = option === 'status' ? "statuses such as '2xx', and " : ''
    throw invalidOption(option, path, `${statuses}paths only in JSON; ${log}`)
  }
}

function checkField(option: string, field: string, known: readonly string[], log: string, others = ''): void {
  if (!known.includes(field))
    throw invalidOption(option, field, `${others}${known.join(', ')}; ${log}`, known)
}

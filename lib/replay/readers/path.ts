/** A value as JSON has it. */
type Json = unknown

/**
 * The value at a path such as `req.headers.x-api-key`: a property of that whole name, or else a property of
 * each name in turn. Only own properties count, so a line cannot reach into a prototype.
 */
function valueAt(object: Json, path: string): Json {
  if (!isObject(object)) return undefined
  if (Object.hasOwn(object, path)) return object[path]
  const dot = path.indexOf('.')
  if (dot < 0) return undefined
  const first = path.slice(0, dot)
  return Object.hasOwn(object, first) ? valueAt(object[first], path.slice(dot + 1)) : undefined
}

export function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null
}

/** The text of a value; undefined for none, for an empty text, and for objects and lists. */
export function textOf(value: Json): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** Paths of which lines have one, mostly the same: the one that was found last is looked for first. */
export class Path {
  readonly paths: readonly string[]
  #last = 0

  constructor(paths: readonly string[]) {
    this.paths = paths
  }

  get(object: Json): Json {
    const last = valueAt(object, this.paths[this.#last])
    if (last !== undefined) return last
    for (let i = 0; i < this.paths.length; i++) {
      const value = valueAt(object, this.paths[i])
      if (value === undefined) continue
      this.#last = i
      return value
    }
    return undefined
  }
}

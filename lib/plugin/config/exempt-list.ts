/** The parts of a route that the list reads. `url` has no last slash for a prefixed `/`. */
interface ListedRoute {
  readonly url: string
  readonly prefix: string
}

/** The option `exempt`: URLs of routes as declared, and prefixes that end with `*`. */
export class ExemptList {
  readonly #patterns: readonly string[]
  readonly #matches: (url: string) => boolean

  constructor(patterns: readonly string[]) {
    this.#patterns = patterns
    this.#matches = matcher(patterns)
  }

  /** Whether every URL is exempt, also one of no route. */
  get hasEverything(): boolean {
    return this.#matches('')
  }

  has(route: ListedRoute): boolean {
    return isUnder(this.#matches, route)
  }

  /** The patterns that match none of these routes. `*` need not match any. */
  unmatched(routes: readonly ListedRoute[]): string[] {
    return this.#patterns.filter((pattern) => {
      const matches = matcher([pattern])
      return pattern !== '*' && !routes.some((route) => isUnder(matches, route))
    })
  }
}

/** A prefixed `/` is one route with and without its slash. */
function isUnder(matches: (url: string) => boolean, { url, prefix }: ListedRoute): boolean {
  return matches(url) || (prefix !== '' && url === prefix && matches(`${url}/`))
}

function matcher(patterns: readonly string[]): (url: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')))
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1))
  return (url) => exact.has(url) || prefixes.some((prefix) => url.startsWith(prefix))
}

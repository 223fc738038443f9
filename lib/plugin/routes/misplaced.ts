import type { RouteOptions } from 'fastify'

const NEARLY = /^rate[-_]?limit$/i

/**
 * Where a route has limits that the plugin does not read: beside `config`, or under a misspelt name in it.
 * Null if it has none. The route has a config by now: the plugin keeps its plan there.
 */
export function misplacedLimit(options: RouteOptions): string | null {
  const beside = Object.keys(options).find((name) => NEARLY.test(name))
  if (beside !== undefined) return `${beside} beside config`
  const misspelt = Object.keys(options.config as object).find(
    (name) => NEARLY.test(name) && name !== 'rateLimit',
  )
  return misspelt === undefined ? null : `config.${misspelt}`
}

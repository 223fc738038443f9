import type { FastifyInstance } from 'fastify'
import type { ExemptList } from '../config/exempt-list.js'
import type { Warnings } from '../config/warnings.js'
import type { RequestRegistry } from '../registry.js'
import { isOpenToGuessing } from './guessing.js'
import { misplacedLimit } from './misplaced.js'
import type { PlannedRoute } from './route-plans.js'

/** The warnings that depend on all routes of an app, and so come when it is ready. */
export class ReadyWarnings {
  readonly #app: FastifyInstance
  readonly #registry: RequestRegistry
  readonly #exempt: ExemptList
  readonly #warnings: Warnings
  /** Whether routes were declared before the plugin was loaded, which it cannot list. */
  readonly #hasEarlyRoutes: boolean

  /** Made at registration, when all routes so far are early ones. */
  constructor(app: FastifyInstance, registry: RequestRegistry, exempt: ExemptList, warnings: Warnings) {
    this.#app = app
    this.#registry = registry
    this.#exempt = exempt
    this.#warnings = warnings
    this.#hasEarlyRoutes = hasRoutes(app)
  }

  emit(routes: readonly PlannedRoute[]): void {
    const own = routes.filter(({ scope }) => this.#registry.limits(scope))
    for (const { options, facts } of own) {
      const misplaced = misplacedLimit(options)
      if (misplaced !== null) this.#warnings.once('FST_FLOODGATE_W015', facts.url, misplaced)
    }
    const byDefault = this.#registry.find('default')
    const plans = routes.map(({ plan }) => plan)
    if (isOpenToGuessing(this.#app, byDefault, plans))
      this.#warnings.once('FST_FLOODGATE_W012', byDefault.strategy.name)
    if (this.#hasEarlyRoutes) return
    for (const pattern of this.#exempt.unmatched(routes.map(({ facts }) => facts)))
      this.#warnings.once('FST_FLOODGATE_W014', pattern)
    for (const name of this.#registry.unused) this.#warnings.once('FST_FLOODGATE_W005', name)
  }
}

/** Whether an app has routes. Those for CORS preflights do not count: they name no limiters. */
function hasRoutes(app: FastifyInstance): boolean {
  return /\((?!OPTIONS\))[A-Z]/.test(app.printRoutes())
}

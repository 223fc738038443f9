import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { AsyncStore, RateLimitOptions, RateLimitRegistry, RequestRateLimit } from '../../types/index.js'
import { Permits } from '../limiter/index.js'
import { LiveLimits } from '../limits/index.js'
import { Counters } from '../observe/index.js'
import { POLICY_OPTIONS, refuseUnknown } from '../policy/index.js'
import { memoryStore } from '../store/index.js'
import { AllowedClients } from './config/allowed-clients.js'
import { denialLog } from './config/denial-log.js'
import { ExemptList } from './config/exempt-list.js'
import { Strategies } from './config/key-strategies.js'
import { readOptions, type Settings } from './config/options.js'
import { Warnings } from './config/warnings.js'
import { registeredTwice, requestDecorated } from './errors.js'
import { Internals } from './internals.js'
import { keepAddresses } from './lifecycle/connection-addresses.js'
import { Gate } from './lifecycle/gate.js'
import { HeldRequests } from './lifecycle/held-requests.js'
import { limitNotFound } from './lifecycle/not-found.js'
import { ProxyWatch } from './lifecycle/proxy-watch.js'
import type { Registration } from './lifecycle/registration.js'
import { Stage } from './lifecycle/stage.js'
import { Steps } from './lifecycle/steps.js'
import { RequestRegistry } from './registry.js'
import { DenialReply } from './reply/denial-reply.js'
import { exposeOnSend } from './reply/exposed-headers.js'
import { FailureReply } from './reply/failure-reply.js'
import { LimitHeaders } from './reply/limit-headers.js'
import { requestCharges, tightestOf } from './request/request-charge.js'
import { RequestView } from './request/request-view.js'
import { Documentation } from './routes/documentation.js'
import { Planner } from './routes/planner.js'
import { ReadyWarnings } from './routes/ready-warnings.js'
import { RoutePlans } from './routes/route-plans.js'

/**
 * The Fastify plugin: limits every route that is not exempt. Throws coded errors (`FST_FLOODGATE_*`) for
 * options at registration, and for routes that name unknown limiters at `ready()`.
 */
async function floodgate(app: FastifyInstance, options: RateLimitOptions): Promise<void> {
  if (Object.hasOwn(app, 'rateLimit')) throw registeredTwice()
  const settings = readOptions(options, process.env)
  const internals = new Internals()
  const registration = register(app, settings, internals)
  const { store, warnings, allowed, counters } = registration
  const registry = new RequestRegistry(registration, settings.defaults)
  defineLimiters(registry, settings)
  const guard = defineGuard(registry, settings, registration)
  const live = followLimits(app, registry, settings)
  const { fleet: shared } = store as AsyncStore
  const fleet = shared && registry.operations.join(shared, () => registry.stats(), app.log)
  const exempt = new ExemptList(settings.exempt)
  const steps = new Steps()
  const planner = new Planner(registry, exempt, warnings, settings)
  const plans = new RoutePlans(app, registry, planner, internals, steps)
  const proxyWatch = new ProxyWatch(internals, warnings)
  const gate = new Gate(plans, guard, steps, allowed, proxyWatch)
  const documentation = new Documentation(settings.headers, settings.body, guard?.members ?? [])
  const readyWarnings = new ReadyWarnings(app, registry, exempt, warnings)

  // The types of stores depend on the modules that a program imports.
  app.decorate('rateLimit', registry as unknown as RateLimitRegistry)
  decorateRequest(app)
  keepAddresses(app, internals)
  app.addHook('onRoute', function (this: FastifyInstance, route) {
    plans.add(route, this)
  })
  const hooks = {
    onRequest: gate.onRequest,
    preParsing: gate.preParsing,
    ...(settings.exposeHeaders && { onSend: exposeOnSend(settings.headers) }),
  }
  for (const [name, hook] of Object.entries(hooks))
    app.addHook(name as 'onRequest', hook as typeof gate.onRequest)
  app.addHook('onReady', async () => {
    const routes = plans.complete()
    registry.seal()
    proxyWatch.onReady(app)
    readyWarnings.emit(routes)
    await live?.start()
    await fleet?.start()
    documentation.write(routes)
    limitNotFound(app, hooks, internals)
  })
  app.addHook('onClose', async () => live?.stop())
  const stopWarnings = store.onWarning?.((code, subject) => warnings.once(code, subject))
  app.addHook('onClose', async () => {
    stopWarnings?.()
    registration.permits.close()
    registry.operations.close()
    counters.flushLogs()
  })
  if (!store.sync) attach(app, store)
  // Before the store is closed, which sends what waits.
  app.addHook('onClose', async () => fleet?.stop())
}

function register(app: FastifyInstance, settings: Settings, internals: Internals): Registration {
  const store = settings.store ?? memoryStore()
  const warnings = new Warnings(settings.warnings)
  const headers = new LimitHeaders(settings.headers, internals)
  return {
    store,
    permits: new Permits(store),
    headers,
    warnings,
    strategies: new Strategies(settings.keys, settings.ipv6Prefix, warnings),
    allowed: new AllowedClients(settings.allow),
    denials: new DenialReply(headers, settings.onDenied, settings.body, internals),
    failures: new FailureReply(internals),
    held: new HeldRequests(settings.maxWaiting),
    counters: new Counters({ offenders: settings.remember, log: denialLog(settings.log, app) }),
  }
}

/** Logs when the store fails and when it replies again, and closes it with the app. */
function attach(app: FastifyInstance, store: AsyncStore): void {
  const stopStates = store.onStateChange((state, err) => {
    if (state === 'up') app.log.info('rate limit store answers again')
    else app.log.error(err?.message ?? 'the rate limit store does not answer')
  })
  app.addHook('onClose', async () => {
    stopStates()
    // Connections that were closed by force end their responses in the next turns, which give units back.
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
    await store.close()
  })
}

/** The limits of the option `limits`, which begin when all limiters are known. */
function followLimits(
  app: FastifyInstance,
  registry: RequestRegistry,
  { limits }: Settings,
): LiveLimits | null {
  if (limits === undefined) return null
  const live: LiveLimits = new LiveLimits(
    limits,
    registry.operations.follow(() => live.stats()),
    app.log,
  )
  return live
}

function defineLimiters(registry: RequestRegistry, { defaults, limiters, enforce }: Settings): void {
  const { codePer: _, ...policy } = defaults
  registry.addNamed('default', { ...policy, enforce }, '', defaults)
  for (const [name, policies] of Object.entries(limiters)) registry.define(name, policies)
}

function defineGuard(
  registry: RequestRegistry,
  { guard }: Settings,
  registration: Registration,
): Stage | null {
  if (guard === undefined) return null
  refuseUnknown(guard, POLICY_OPTIONS, 'guard.')
  // The guard inherits nothing, also not from `Object.prototype`.
  return new Stage([registry.add('guard', guard, 'guard', Object.create(null))], 'guard', registration)
}

/** Nested registrations share the decorators: each charge of a request names its own. */
function decorateRequest(app: FastifyInstance): void {
  if (app.hasRequestDecorator(requestCharges)) return
  if (app.hasRequestDecorator('rateLimit')) throw requestDecorated()
  app.decorateRequest(requestCharges, null)
  app.decorateRequest('rateLimit', {
    getter() {
      return (tightestOf(this) === null ? null : new RequestView(this)) as unknown as RequestRateLimit | null
    },
  })
}

export const plugin = fp(floodgate, { fastify: '5.x', name: 'fastify-floodgate' })

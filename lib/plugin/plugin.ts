import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type {
  AsyncStore,
  RateLimitOptions,
  RateLimitRegistry,
  RequestRateLimit,
  Store,
} from '../../types/index.js'
import { Registry } from '../limiter/index.js'
import { POLICY_OPTIONS, refuseUnknown } from '../policy/index.js'
import { memoryStore } from '../store/index.js'
import { compileAllow } from './config/allow.js'
import { ExemptList } from './config/exempt.js'
import { Strategies } from './config/keys.js'
import { readOptions, type Settings } from './config/options.js'
import { Warnings } from './config/warnings.js'
import { registeredTwice } from './errors.js'
import { Internals } from './internals.js'
import { rememberPeers } from './lifecycle/connection-addresses.js'
import { Gate } from './lifecycle/gate.js'
import { limitNotFound } from './lifecycle/not-found.js'
import { isPreflight } from './lifecycle/preflight.js'
import { RequestLimiter, Stage, type StageContext } from './lifecycle/stage.js'
import { RequestRegistry } from './registry.js'
import { Answer } from './reply/denial-reply.js'
import { exposeOnSend, headerWriter } from './reply/headers.js'
import { entryOf, visit } from './request/request-charge.js'
import { RequestView } from './request/request-view.js'
import { Documentation } from './routes/documentation.js'
import { Planner } from './routes/planner.js'

/**
 * The Fastify plugin: limits every route that is not exempt. Throws coded errors (`FST_FLOODGATE_*`) at registration, for
 * options, and at `ready()`, for routes that name limiters which nobody defined.
 */
async function floodgate(app: FastifyInstance, options: RateLimitOptions): Promise<void> {
  if (Object.hasOwn(app, 'rateLimit')) throw registeredTwice()
  const settings = readOptions(options, process.env)
  const warnings = new Warnings(settings.warnings)
  const internals = new Internals()
  const allow = compileAllow(settings.allow)
  const strategies = new Strategies(settings.keys, settings.ipv6Prefix, warnings)
  const store: Store = settings.store ?? memoryStore()
  const sendHeaders = headerWriter(settings.headers, internals)
  const { deny, fail } = new Answer(sendHeaders, settings.onDenied, settings.body, internals)
  const context: StageContext = {
    store,
    warnings,
    sendHeaders,
    ip: strategies.ip,
    allowsClient: allow.client,
    excuses: (request) => isPreflight(request) || allow.address?.(request.ip) === true,
    deny,
    fail,
  }
  const registry = new RequestRegistry(new Registry(store), strategies, settings.defaults, context)
  defineLimiters(registry, settings)
  const exempt = new ExemptList(settings.exempt)
  const planner = new Planner(registry, exempt, warnings)
  const guard = defineGuard(registry, settings, context)
  const documentation = new Documentation(settings.headers, settings.body, guard?.members ?? [])
  const { excuses } = context
  const gate = new Gate({
    app,
    registry,
    planner,
    exempt,
    guard,
    excuses,
    internals,
    warnings,
    documentation,
  })

  // What the types say of stores depends on what a program imports.
  app.decorate('rateLimit', registry as unknown as RateLimitRegistry)
  decorateRequest(app)
  rememberPeers(app)
  app.addHook('onRoute', function (this: FastifyInstance, route) {
    gate.onRoute(route, this)
  })
  const hooks = {
    onRequest: gate.arrive,
    preParsing: gate.afterOnRequest,
    ...(settings.exposeHeaders && { onSend: exposeOnSend(settings.headers) }),
  }
  for (const [name, hook] of Object.entries(hooks))
    app.addHook(name as 'onRequest', hook as typeof gate.arrive)
  app.addHook('onReady', async () => {
    await gate.onReady()
    limitNotFound(app, hooks, internals)
  })
  if (!store.sync) attach(app, store, warnings)
}

/** Tells in the log when the store fails and when it answers again, passes its warnings on, and lets go of it with the app. */
function attach(app: FastifyInstance, store: AsyncStore, warnings: Warnings): void {
  const stopWarnings = store.onWarning?.((code, subject) => warnings.once(code, subject))
  const ignore = store.onStateChange((state, err) => {
    if (state === 'up') app.log.info('rate limit store answers again')
    else app.log.error(err?.message ?? 'the rate limit store does not answer')
  })
  app.addHook('onClose', async () => {
    ignore()
    stopWarnings?.()
    await store.close()
  })
}

function defineLimiters(registry: RequestRegistry, { defaults, limiters }: Settings): void {
  const { codePer: _, ...policy } = defaults
  registry.addNamed('default', policy, '', defaults)
  for (const [name, policies] of Object.entries(limiters)) registry.define(name, policies)
}

function defineGuard(registry: RequestRegistry, { guard }: Settings, context: StageContext): Stage | null {
  if (guard === undefined) return null
  refuseUnknown(guard, POLICY_OPTIONS, 'guard.')
  // What it leaves out comes from nowhere, `Object.prototype` included.
  const { limiter, strategy } = registry.add('guard', guard, 'guard', Object.create(null))
  return new Stage([new RequestLimiter(limiter, strategy)], 'guard', context)
}

/** Nested registrations share the decorators: what a request keeps says whose it is. */
function decorateRequest(app: FastifyInstance): void {
  if (app.hasRequestDecorator('rateLimit')) return
  app.decorateRequest(visit, null)
  app.decorateRequest('rateLimit', {
    getter() {
      return (entryOf(this) === null ? null : new RequestView(this)) as unknown as RequestRateLimit | null
    },
  })
}

export const plugin = fp(floodgate, { fastify: '5.x', name: 'fastify-floodgate' })

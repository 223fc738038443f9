import type { FastifyInstance } from 'fastify'
import type { RateLimitConsoleOptions } from '../../types/console-plugin.js'
import { after, wallMicros } from '../store/index.js'
import { Actions } from './actions.js'
import { addApi } from './api-routes.js'
import { notRegistered } from './errors.js'
import { Feed } from './feed.js'
import { setSafeHeaders } from './headers.js'
import { readOptions } from './options.js'
import { addPage } from './page-routes.js'
import { safeAfter } from './safe-after.js'
import { Stream } from './stream.js'
import { View } from './view.js'

/**
 * The operator's console: a page and a JSON API, from which the limits of `app.rateLimit` are seen and
 * changed. Register it with a prefix, after fastify-floodgate.
 *
 * Throws `FST_FLOODGATE_OPTION` without an `onRequest` of yours that lets only operators through, and
 * `FST_FLOODGATE_NOT_REGISTERED` where no limiters are.
 *
 * @example
 * ```js
 * import rateLimitConsole from 'fastify-floodgate/console'
 *
 * app.register(rateLimitConsole, { prefix: '/limits', onRequest: requireOperator })
 * ```
 */
export async function rateLimitConsole(
  app: FastifyInstance,
  options: RateLimitConsoleOptions,
): Promise<void> {
  const settings = readOptions(options)
  if (!app.hasDecorator('rateLimit')) throw notRegistered()
  app.addHook('onRequest', setSafeHeaders)
  for (const guard of settings.guards) app.addHook('onRequest', guard)
  addPage(app)

  const { rateLimit } = app
  const view = new View(rateLimit)
  const feed = new Feed(rateLimit, view, () => wallMicros() / 1000)
  const stream = new Stream(feed, safeAfter(after, app.log))
  const actions = new Actions(rateLimit, view, feed, settings)
  app.register(async (api) => addApi(api, actions, feed, stream), { prefix: '/api' })
  app.addHook('onReady', async () => feed.start(safeAfter(after, app.log)))
  // Open streams would keep the server from closing.
  app.addHook('preClose', async () => stream.close())
  app.addHook('onClose', async () => feed.stop())
}

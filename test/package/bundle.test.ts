import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { t, test } from 'tap'
import { install, ROOT, run } from './install.js'

t.setTimeout(120_000)

const { folder } = install()

// Without an `await` at the top, which a bundle in CommonJS cannot have.
const APP = `
import Fastify from 'fastify'
import rateLimit, { createLimiter } from 'fastify-floodgate'
import { prometheus } from 'fastify-floodgate/metrics'
import { redisStore } from 'fastify-floodgate/redis'
import { createSharedMemory, sharedStore } from 'fastify-floodgate/threads'
import { Registry } from 'prom-client'

async function main() {
  const app = Fastify()
  await app.register(rateLimit, { rate: 60, burst: 2, warnings: false })
  app.get('/', async () => 'ok')
  const codes = []
  for (let i = 0; i < 3; i++) codes.push((await app.inject('/')).statusCode)
  const limiter = createLimiter({ name: 'bot', rate: 1 }, { store: sharedStore({ memory: createSharedMemory() }) })
  const shared = [limiter.take('a').allowed, limiter.take('a').allowed]
  const registry = new Registry()
  prometheus(app.rateLimit, { registry })
  const denied = /outcome="denied"} 1$/m.test(await registry.metrics())
  let refused
  try {
    redisStore({ client: {} })
  } catch (error) {
    refused = error.code
  }
  console.log(JSON.stringify({ codes, denied, shared, refused }))
}
main()
`
const SAID = { codes: [200, 200, 429], denied: true, shared: [true, false], refused: 'FST_FLOODGATE_OPTION' }

const [, BANNER] = readFileSync(join(ROOT, 'docs/frameworks.md'), 'utf8').match(
  /--banner:js="(.*)"/,
) as string[]

/** What the app prints that esbuild has made of its source. */
async function runBundled(name: string, options: BuildOptions): Promise<unknown> {
  const outfile = join(folder, name)
  writeFileSync(join(folder, 'bundled.mjs'), APP)
  await build({
    entryPoints: [join(folder, 'bundled.mjs')],
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    minify: true,
    outfile,
    logLevel: 'error',
    ...options,
  })
  return JSON.parse(run('node', [outfile], { cwd: folder }))
}

test('an app in one file runs, as CommonJS and, with the banner that Fastify needs, as an ES module', async (t) => {
  t.strictSame(await runBundled('app.cjs', { format: 'cjs' }), SAID)
  t.strictSame(await runBundled('app.mjs', { format: 'esm', banner: { js: BANNER } }), SAID)
})

test('an app whose packages stay outside of the bundle needs no banner', async (t) => {
  t.strictSame(await runBundled('outside.mjs', { format: 'esm', packages: 'external' }), SAID)
})

test('without the banner Node.js cannot load Fastify from an ES module', async (t) => {
  await t.rejects(runBundled('bare.mjs', { format: 'esm' }), {
    message: /Dynamic require of "node:events" is not supported/,
  })
})

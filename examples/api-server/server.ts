// An API with API keys and documentation: 100 requests a minute for each key, 10 of them at once.
//
//     npm start
//     PORT=8080 HANDOFFKIT_API_RATE_LIMIT_PER_MIN=1 HANDOFFKIT_API_BURST=1 npm start
//
// It prints a command that shows a 429. API_KEYS holds your own keys, separated by commas.
import { buildApp } from './app.js'

const DEMO_KEY = 'demo-key-1'
const { PORT = '3000', API_KEYS = `${DEMO_KEY},demo-key-2` } = process.env

try {
  const apiKeys = readKeys(API_KEYS)
  const port = readPort(PORT)
  const app = await buildApp(apiKeys)
  const address = await app.listen({ host: '127.0.0.1', port })

  // Once: a second signal ends the process without waiting for the last request.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close())

  const { limit } = app.rateLimit.get('default').policies[0]
  const key = apiKeys.includes(DEMO_KEY) ? DEMO_KEY : '<one of your API_KEYS>'
  const post = `curl -s -X POST -H 'x-api-key: ${key}'`
  console.log(`Listening on ${address}
Documentation on ${address}/docs

See the limit, ${limit} at once, and then what a 429 says:

  for i in $(seq ${limit + 5}); do ${post} -o /dev/null -w '%{http_code}\\n' ${address}/api/v1/check; done
  ${post} -i ${address}/api/v1/check

Never limited:

  curl ${address}/health`)
} catch (error) {
  console.error(`Cannot start: ${(error as Error).message}`)
  process.exitCode = 1
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65535) return port
  throw new Error(`environment variable PORT is ${JSON.stringify(text)}; allowed: an integer from 0 to 65535`)
}

function readKeys(text: string): string[] {
  const keys = text.split(',').map((key) => key.trim())
  if (!keys.includes('')) return keys
  throw new Error('environment variable API_KEYS has an empty key; allowed: keys separated by commas')
}

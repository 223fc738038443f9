import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { ApiClient, limitHeaders, statuses } from './api-client.js'
import { startServer } from './child.js'

const SERVER = 'examples/api-server/server.ts'
const KEYS = Array.from({ length: 20 }, (_, i) => `key-${i}`)
/** At 100 a minute, a unit comes back every 600 ms. */
const INTERVAL = 600

test('npm start runs the server, with two demo keys and a command that shows a 429', async (t) => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  t.equal(scripts.start, `node --import=tsx ${SERVER}`)
  const { child, address } = await startServer(t, SERVER)
  const api = new ApiClient(address)
  for (const key of ['demo-key-1', 'demo-key-2']) {
    t.equal((await api.post('/api/v1/check', key)).status, 200)
    t.equal((await api.post('/api/v1/handoff', key)).status, 200)
  }
  t.match(child.stdout, `for i in $(seq 15); do curl -s -X POST -H 'x-api-key: demo-key-1' -o /dev/null`)
  t.match(child.stdout, `'%{http_code}\\n' ${address}/api/v1/check; done\n`)
})

test('with default settings', async (t) => {
  const { child, address } = await startServer(t, SERVER, { API_KEYS: KEYS.join() })
  const api = new ApiClient(address)
  const fresh = KEYS.values()

  await t.test(
    'a key has 10 at once, then 429 with Retry-After 1; after that second it goes on',
    async (t) => {
      const { key, answers } = await api.rapidly(fresh, INTERVAL, (key) => api.checks(key, 11))
      t.same(statuses(answers), [...Array(10).fill(200), 429])
      const left = answers.map(({ headers }) => headers.get('x-ratelimit-remaining'))
      t.same(left, ['9', '8', '7', '6', '5', '4', '3', '2', '1', '0', '0'])

      const denied = answers[10]
      t.equal(denied.headers.get('retry-after'), '1')
      t.equal(denied.headers.get('x-ratelimit-limit'), '10')
      t.equal(denied.headers.get('cache-control'), 'no-store')
      t.same(JSON.parse(denied.body), {
        statusCode: 429,
        code: 'FST_FLOODGATE_DENIED',
        error: 'Too Many Requests',
        message: 'Rate limit exceeded, retry in 1 second',
      })

      const other = await api.post('/api/v1/check', fresh.next().value)
      t.equal(other.status, 200, 'another key is unaffected')
      t.equal(other.headers.get('x-ratelimit-remaining'), '9')

      await wait(1000)
      t.equal((await api.post('/api/v1/check', key)).status, 200, 'who waits exactly Retry-After is admitted')
    },
  )

  await t.test('both routes behind keys spend the same units', async (t) => {
    const { answers } = await api.rapidly(fresh, INTERVAL, async (key) => [
      ...(await api.checks(key, 9)),
      await api.post('/api/v1/handoff', key),
      await api.post('/api/v1/handoff', key),
      await api.post('/api/v1/check', key),
    ])
    t.same(statuses(answers), [...Array(10).fill(200), 429, 429])
  })

  await t.test('/health and /docs are never limited and carry no limit headers', async (t) => {
    const { key } = await api.rapidly(fresh, INTERVAL, (key) => api.checks(key, 11))
    for (const path of ['/health', '/docs', '/docs/', '/docs/json', '/docs/static/swagger-ui.css']) {
      const answers = await Promise.all(Array.from({ length: 30 }, () => api.get(path, { 'x-api-key': key })))
      t.same(statuses(answers), Array(30).fill(200), path)
      t.same(answers.flatMap(limitHeaders), [], `${path} without limit headers`)
    }
  })

  await t.test('/docs is a page, and its description lists every route', async (t) => {
    const page = await api.get('/docs')
    t.match(page.headers.get('content-type'), /^text\/html/)
    t.match(page.body, /<div id="swagger-ui">/)
    const { paths } = JSON.parse((await api.get('/docs/json')).body)
    const routes = Object.entries<object>(paths).map(([path, methods]) => `${Object.keys(methods)} ${path}`)
    t.same(routes.sort(), ['get /api/v1/search', 'get /health', 'post /api/v1/check', 'post /api/v1/handoff'])
  })

  await t.test(
    'a missing or wrong key is 401, again and again, and spends nothing of a valid one',
    async (t) => {
      const key = fresh.next().value as string
      const guesses = Array.from({ length: 40 }, (_, i) => `${key}-${i}`)
      for (const guess of [undefined, '', `${key}x`, key.slice(0, -1), key.toUpperCase(), ...guesses]) {
        const answer = await api.post('/api/v1/check', guess)
        t.equal(answer.status, 401, `key ${guess}`)
        t.equal(answer.headers.get('x-ratelimit-limit'), '500', 'counted by the guard only')
      }
      t.equal((await api.post('/api/v1/check', key)).headers.get('x-ratelimit-remaining'), '9')
    },
  )

  await t.test(
    'search needs no key and is a sliding window by IP: 30, then a wait for the oldest',
    async (t) => {
      const start = performance.now()
      const answers = []
      for (let i = 0; i < 31; i++)
        answers.push(await api.get(`/api/v1/search?q=${i}`, { 'x-api-key': KEYS[i % 5] }))
      const elapsed = performance.now() - start
      t.same(statuses(answers), [...Array(30).fill(200), 429])
      const retryAfter = Number(answers[30].headers.get('retry-after'))
      t.ok(
        retryAfter <= 60 && retryAfter >= Math.ceil((60_000 - elapsed) / 1000),
        `Retry-After: ${retryAfter}`,
      )
    },
  )

  t.equal(child.stderr, '', 'nothing to complain about')
})

test('of 200 parallel requests, only the burst and the units that come back meanwhile are admitted', async (t) => {
  const { address } = await startServer(t, SERVER)
  const api = new ApiClient(address)
  const start = performance.now()
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => api.post('/api/v1/check', 'demo-key-1')),
  )
  const refilled = Math.floor((performance.now() - start) / INTERVAL)
  const admitted = answers.filter(({ status }) => status === 200)
  const denied = answers.filter(({ status }) => status === 429)
  t.equal(admitted.length + denied.length, 200)
  t.ok(admitted.length >= 10 && admitted.length <= 10 + refilled, `${admitted.length}, ${refilled} refilled`)
  t.same(new Set(denied.map(({ headers }) => headers.get('retry-after'))), new Set(['1']))
})

test('the guard stops a flood of guessed keys before the server looks at them', async (t) => {
  const { address } = await startServer(t, SERVER)
  const api = new ApiClient(address)
  const start = performance.now()
  const answers = []
  for (let batch = 0; batch < 10; batch++) {
    const guesses = Array.from({ length: 100 }, (_, i) => api.post('/api/v1/check', `guess-${batch}-${i}`))
    answers.push(...(await Promise.all(guesses)))
  }
  const refilled = Math.floor((performance.now() - start) / 20)
  const looked = answers.filter(({ status }) => status === 401).length
  t.ok(looked >= 500 && looked <= 500 + refilled, `${looked} looked at, ${refilled} refilled`)
  t.equal(answers.filter(({ status }) => status === 429).length, 1000 - looked)
})

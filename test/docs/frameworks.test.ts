import { test } from 'tap'
import { runSnippet } from '../fixtures/snippet-runner.js'

test('order of plugins: a 429 has the headers of the plugins before the limiter', async (t) => {
  const { app } = await runSnippet(t, 'docs/frameworks.md', 'order')
  const ask = () => app.inject({ url: '/', headers: { origin: 'https://example.com' } })
  t.equal((await ask()).statusCode, 200)
  const { statusCode, headers } = await ask()
  t.equal(statusCode, 429)
  t.equal(headers['access-control-allow-origin'], 'https://example.com')
  t.match(headers['access-control-expose-headers'], /retry-after/)
  t.equal(headers['x-content-type-options'], 'nosniff')
})

test('tRPC: a batch costs as much as its procedures', async (t) => {
  const { app } = await runSnippet(t, 'docs/frameworks.md', 'trpc')
  // As fastifyTRPCPlugin does.
  await app.register(async (scope) => scope.all('/:path', async () => 'ok'), { prefix: '/trpc' })
  const left = async (path: string) => {
    const { statusCode, headers } = await app.inject(`/trpc/${path}`)
    return `${statusCode} ${headers['x-ratelimit-remaining']} ${headers['retry-after']}`
  }
  t.equal(await left('user.get'), '200 19 undefined')
  t.equal(await left('user.get,post.list,post.list?batch=1'), '200 16 undefined')
  t.match(await left(Array(21).fill('user.get').join()), /^429 \d+ undefined$/)
})

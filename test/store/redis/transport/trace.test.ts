import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { test } from 'tap'
import { startProxy } from '../../../fixtures/redis/proxy.js'
import { clientOf, limiterOf, serve, storeOf } from '../one-server.js'

const calls = tracingChannel('fastify-floodgate:store')

/** The names of the events of calls, and their contexts. */
function heard(t: { teardown(f: () => void): void }): [string, Record<string, unknown>][] {
  const events: [string, Record<string, unknown>][] = []
  const names = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
  const listeners = Object.fromEntries(
    names.map((name) => [name, (context: object) => void events.push([name, { ...context }])]),
  )
  calls.subscribe(listeners as never)
  t.teardown(() => calls.unsubscribe(listeners as never))
  return events
}

test('a call is traced from its sending to its reply, and without subscribers not at all', async (t) => {
  const { client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { rate: 5, burst: 5 })
  await limiter.take('a')
  const events = heard(t)
  await Promise.all([limiter.take('a'), limiter.take('b')])
  t.same(
    events.map(([name, { shard, keys }]) => [name, shard, keys]),
    ['start', 'end', 'asyncStart', 'asyncEnd'].map((name) => [name, 0, 2]),
    'two decisions of one turn are one call',
  )
})

test('a call that is given up ends its trace with the error', async (t) => {
  const { server } = await serve(t)
  const line = await startProxy(t, server.port)
  const client = await clientOf(t, line)
  const limiter = limiterOf(storeOf(client, { timeout: 50 }), { rate: 5, burst: 5 })
  await limiter.take('a')
  const events = heard(t)
  line.blackhole()
  t.match(await limiter.take('a'), { source: 'local' })
  t.same(
    events.map(([name]) => name),
    ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
  )
  t.match(events[2][1], { error: { code: 'FST_FLOODGATE_STORE' } })
})

test('the client runs in the context that a tracer binds', async (t) => {
  const { client } = await serve(t)
  const limiter = limiterOf(storeOf(client), { rate: 5, burst: 5 })
  const spans = new AsyncLocalStorage<object>()
  calls.start.bindStore(spans, (context) => context as object)
  t.teardown(() => calls.start.unbindStore(spans))
  const inside: unknown[] = []
  const io = client as unknown as { sendCommand(...args: unknown[]): unknown }
  const { sendCommand } = io
  io.sendCommand = (...args) => {
    inside.push(spans.getStore())
    return sendCommand.apply(io, args)
  }
  await limiter.take('a')
  t.match(inside[0], { shard: 0, keys: 1 })
})

import fc from 'fast-check'
import { parse } from 'graphql'
import { type Test, test } from 'tap'
import { buildApp } from '../../examples/graphql/app.js'
import { complexityOf } from '../../examples/graphql/complexity.js'
import { memoryStore } from '../../lib/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'
import { startServer } from './child.js'

async function start(t: Test) {
  const clock = new ManualClock()
  const app = await buildApp(memoryStore({ clock }))
  t.teardown(() => app.close())
  const post = (query: unknown, variables?: object) =>
    app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } })
  return { app, clock, post }
}

const left = (reply: { headers: Record<string, unknown> }) => Number(reply.headers['x-ratelimit-remaining'])

test('a query costs the fields that it asks for, a list as often as it says', async (t) => {
  const { app, post } = await start(t)
  const first = await post('{ books(first: 2) { title author { name } } }')
  t.match(first.json(), { data: { books: [{ author: { name: 'Ada Lovelace' } }, { title: /Computing/ }] } })
  t.equal(left(first), 100 - 2 * (1 + 1 + (1 + 1)))
  const query = 'query ($n: Int!) { books(first: $n) { title } }'
  t.equal(left(await post(query, { n: 10 })), 92 - 20)
  const url = `/graphql?query=${encodeURIComponent(query)}&variables=${encodeURIComponent('{"n":5}')}`
  t.equal(left(await app.inject(url)), 72 - 10, 'GET and POST share what there is')
})

test('a query that is too large for now says when it fits, one that is too large for ever does not', async (t) => {
  const { clock, post } = await start(t)
  t.equal(left(await post('{ books(first: 40) { title } }')), 20)
  const denied = await post('{ books(first: 20) { title } }')
  t.equal(denied.statusCode, 429)
  t.equal(denied.headers['retry-after'], '2')
  clock.advance(1200)
  t.equal((await post('{ books(first: 20) { title } }')).statusCode, 200)
  const never = await post('{ books(first: 99) { title } }')
  t.equal(never.statusCode, 429)
  t.notOk('retry-after' in never.headers)
})

test('what is no query costs one unit, and mercurius says what is wrong', async (t) => {
  const { app, post } = await start(t)
  for (const query of ['{ books(', '', 5, { a: 1 }, 'fragment a on Book { title }']) {
    const before = left(await post('{ __typename }'))
    const { statusCode } = await post(query)
    t.ok(statusCode === 400 || statusCode === 404 || statusCode === 200, `${statusCode}`)
    t.equal(left(await post('{ __typename }')), before - 2, String(query))
  }
  for (const payload of ['5', 'null', '[]', '"a"']) {
    const headers = { 'content-type': 'application/json' }
    const reply = await app.inject({ method: 'POST', url: '/graphql', payload, headers })
    t.ok(reply.statusCode < 500, payload)
  }
})

const COSTS: [query: string, variables: object, cost: number][] = [
  ['{ books(first: 5) { title } }', {}, 10],
  ['{ a: books(first: 5) { title } b: books(first: 5) { title } }', {}, 20],
  ['query ($n: Int = 7) { books(first: $n) { title } }', {}, 14],
  ['query ($n: Int = 7) { books(first: $n) { title } }', { n: 2 }, 4],
  ['query a($n: Int = 7) { books(first: $n) { title } } query b($n: Int = 9) { __typename }', {}, 19],
  ['{ books(first: 2) { ...b ...b } } fragment b on Book { title }', {}, 6],
  ['{ books(first: 2) { ... on Book { title } } }', {}, 4],
  ['{ ...a } fragment a on Query { books(first: 2) { title } ...b } fragment b on Query { ...a }', {}, 4],
  ['{ ...nobody }', {}, 1],
  ['{ books(first: -5) { title } }', {}, 2],
  ['{ books(first: 1000000) { author { books(first: 1000000) { title } } } }', {}, 1_000_000],
  ['query ($n: Int!) { books(first: $n) { title } }', { n: 1e300 }, 1_000_000],
  ['query ($n: Int!) { books(first: $n) { title } }', { n: '5' }, 2],
]

for (const [query, variables, cost] of COSTS) {
  test(`${query} ${JSON.stringify(variables)} costs ${cost}`, async (t) => {
    t.equal(complexityOf(parse(query), variables as Record<string, unknown>), cost)
  })
}

test('fragments that double each other cost as much as they would give, and are counted at once', async (t) => {
  let query = '{ ...f0 }'
  for (let i = 0; i < 60; i++) query += ` fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`
  query += ' fragment f60 on Query { __typename }'
  t.equal(complexityOf(parse(query), {}), 1_000_000)
})

test('any number in any place is a cost that a limiter takes', async () => {
  fc.assert(
    fc.property(fc.integer(), fc.anything(), fc.integer(), (literal, variable, byDefault) => {
      const query = `query ($n: Int = ${byDefault}) { books(first: ${literal}) { author { books(first: $n) { title } } } }`
      const cost = complexityOf(parse(query), { n: variable })
      return Number.isInteger(cost) && cost >= 1 && cost <= 1_000_000
    }),
  )
})

test('the server of the example runs', async (t) => {
  const { child, address } = await startServer(t, 'examples/graphql/server.ts')
  const answer = await fetch(`${address}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ books(first: 5) { title } }' }),
  })
  t.match(await answer.json(), { data: { books: [{}, {}, {}] } })
  t.equal(answer.headers.get('x-ratelimit-remaining'), '90')
  t.equal(child.stderr, '')
})

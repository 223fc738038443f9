import Fastify, { type FastifyRequest } from 'fastify'
import { type DocumentNode, parse } from 'graphql'
import mercurius from 'mercurius'
import rateLimit, { memoryStore, type SyncStore } from '../../lib/index.js'
import { complexityOf } from './complexity.js'

const SCHEMA = `
  type Query { books(first: Int!): [Book!]! }
  type Book { title: String! author: Author! }
  type Author { name: String! books(first: Int!): [Book!]! }
`

interface Book {
  title: string
  author: string
}

/** Stands for your database. */
const BOOKS: readonly Book[] = [
  { title: 'Notes on the Analytical Engine', author: 'Ada Lovelace' },
  { title: 'Computing Machinery and Intelligence', author: 'Alan Turing' },
  { title: 'On Computable Numbers', author: 'Alan Turing' },
]

const resolvers = {
  Query: { books: async (_: unknown, { first }: { first: number }) => BOOKS.slice(0, first) },
  Book: { author: async ({ author }: Book) => ({ name: author }) },
  Author: {
    books: async ({ name }: { name: string }, { first }: { first: number }) =>
      BOOKS.filter(({ author }) => author === name).slice(0, first),
  },
}

export async function buildApp(store: SyncStore = memoryStore()) {
  const app = Fastify({ bodyLimit: 64 * 1024 })

  await app.register(rateLimit, {
    store,
    guard: { rate: 3000, per: 'minute', burst: 500 },
    limiters: {
      // 1,000 fields a minute, at most 100 in one query. The body is there in preHandler.
      graphql: { rate: 1000, per: 'minute', burst: 100, cost: costOf, hook: 'preHandler' },
    },
  })
  await app.register(mercurius, {
    schema: SCHEMA,
    resolvers,
    // Two routes, GET and POST, share the limiter by its name.
    additionalRouteOptions: { config: { rateLimit: 'graphql' } },
  })

  return app
}

interface GraphQLRequest {
  query?: unknown
  variables?: unknown
}

function costOf(request: FastifyRequest): number {
  const { query, variables } = (request.body ?? request.query) as GraphQLRequest
  let document: DocumentNode
  try {
    document = parse(String(query))
  } catch {
    return 1 // mercurius says what is wrong with it
  }
  return complexityOf(document, variablesOf(variables))
}

/** They are JSON in the URL of a GET. What is none has no variables for mercurius, either. */
function variablesOf(given: unknown): Record<string, unknown> {
  try {
    return Object(typeof given === 'string' ? JSON.parse(given) : given)
  } catch {
    return {}
  }
}

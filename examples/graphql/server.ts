// GraphQL by complexity: 1,000 fields a minute, at most 100 in one query.
//
//     node --import=tsx examples/graphql/server.ts
//
// This query costs 10: five books, and the title of each. The header x-ratelimit-remaining says what is left:
//
//     curl -si -d '{"query":"{ books(first: 5) { title } }"}' -H 'content-type: application/json' \
//       http://127.0.0.1:3000/graphql
import { buildApp } from './app.js'

const app = await buildApp()
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${address}`)

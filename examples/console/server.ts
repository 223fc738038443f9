// An API, those who use it and misuse it, and the console that shows what its limits do.
//
//     npm run console
//
// Then open the address that it prints. The name is operator. POPULATION=off leaves the visitors out.
import { randomBytes } from 'node:crypto'
import { buildApp } from './app.js'
import { populate, type Visit } from './population.js'

const password = process.env.OPERATOR_PASSWORD ?? randomBytes(6).toString('base64url')
const app = await buildApp(password)
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`Console: ${address}/limits/ for operator, password ${password}
Listening on ${address}`)

const leave = new AbortController()
const visit: Visit = (from, method, path) =>
  fetch(address + path, { method, headers: { 'x-forwarded-for': from } })
    .then((answer) => answer.arrayBuffer())
    // The server may be closing.
    .catch(() => {})
if (process.env.POPULATION !== 'off') populate(visit, leave.signal)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    leave.abort()
    app.close().then(() => process.exit())
  })

// Limits from a table that changes while the app runs.
//
//     OPERATOR_TOKEN=open-sesame node --import=tsx examples/plans/server.ts
//
// ada has the plan free: 3 at once. Then an operator makes that 5, and ada has 5 from the next request on:
//
//     ask() { for i in $(seq 6); do curl -so /dev/null -w '%{http_code}\n' \
//       -H 'authorization: Bearer token-of-ada' http://127.0.0.1:3000/report; done; }
//     ask
//     curl -X PUT -d '{"rate":10,"burst":5}' -H 'authorization: Bearer open-sesame' \
//       -H 'content-type: application/json' http://127.0.0.1:3000/plans/free
//     ask
import { buildApp } from './app.js'

const app = await buildApp(process.env.OPERATOR_TOKEN)
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${address}`)

// Failed logins: 20 in any 15 minutes by IP, 10 in any hour by account. Then the client, or strangers to the
// account, are blocked, each time for longer. Successes cost nothing.
//
//     node --import=tsx examples/login/server.ts
//
// Then guess until it answers 429. The password of ada is lovelace.
//
//     for i in $(seq 11); do curl -si -d '{"account":"ada","password":"guess"}' \
//       -H 'content-type: application/json' http://127.0.0.1:3000/login; echo; done
import { buildApp } from './app.js'

const app = await buildApp()
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${address}`)

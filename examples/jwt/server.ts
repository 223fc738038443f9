// Limits by the user of a JSON Web Token, which a preHandler hook verifies. The plan is in the token.
//
//     node --import=tsx examples/jwt/server.ts
//
// ada and bob have the plan free (3 at once), eve has pro (20):
//
//     token=$(curl -s -d '{"name":"ada"}' -H 'content-type: application/json' \
//       http://127.0.0.1:3000/login | sed 's/.*:"//; s/".*//')
//     for i in $(seq 5); do curl -si -H "authorization: Bearer $token" http://127.0.0.1:3000/notes; echo; done
import { buildApp } from './app.js'

const app = await buildApp()
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${address}`)

// Limits by the plan of the authenticated user: free, pro, and enterprise without limits.
//
//     node --import=tsx examples/per-plan/server.ts
//
// Then use token-of-ada (free, 3 at once), token-of-eve (pro, 20) or token-of-zoe (enterprise):
//
//     for i in $(seq 5); do curl -si -H 'authorization: Bearer token-of-ada' \
//       http://127.0.0.1:3000/report; echo; done
import { buildApp } from './app.js'

const app = await buildApp()
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${address}`)

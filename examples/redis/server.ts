// One process of the example: serves on PORT, counts at REDIS_URL.
import { buildApp } from './app.js'

const { PORT = '3000', REDIS_URL = 'redis://127.0.0.1:6379' } = process.env
const app = await buildApp(REDIS_URL, { logger: { level: 'warn' } })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => app.close())
console.log(`Listening on ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)

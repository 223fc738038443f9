// Two processes, one limit, counted in Redis:
//
//     node --import=tsx examples/redis/start.ts
//
// Then ask both until they answer 429:
//
//     for i in $(seq 4); do curl -s http://127.0.0.1:3000; echo; curl -s http://127.0.0.1:3001; echo; done
//
// A change that one process makes holds in both:
//
//     curl -s -X PUT -H 'content-type: application/json' -d '{"burst":2}' http://127.0.0.1:3000/burst
//
// Starts its own redis-server if REDIS_URL does not name one.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const children: ChildProcess[] = []

function start(command: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  })
  children.push(child)
  child.once('error', ({ message }) => stop(`${command}: ${message}`))
  child.once('exit', (code) => stop(`${command} ended (${code})`))
  return child
}

/** Stops only the processes that this program started. */
function stop(reason: string): void {
  for (const child of children) child.removeAllListeners('exit').kill()
  console.error(reason)
  process.exitCode = 1
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function ownRedis(): Promise<string> {
  const port = await freePort()
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  start('redis-server', [...settings, '--loglevel', 'warning'])
  return `redis://127.0.0.1:${port}`
}

const REDIS_URL = process.env.REDIS_URL ?? (await ownRedis())
const first = Number(process.env.PORT ?? 3000)
const server = fileURLToPath(new URL('server.ts', import.meta.url))
for (const port of [first, first && first + 1]) {
  start(process.execPath, ['--import=tsx', server], { PORT: String(port), REDIS_URL })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop('stopped')
    process.exitCode = 0
  })
}

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { Redis } from 'ioredis'

const SERVERS = ['redis-server', 'valkey-server']

/** A server of our own on a free port, with nothing on disk, that ends with this process. */
export async function startServer() {
  const program = SERVERS.find((name) => spawnSync(name, ['--version']).status === 0)
  if (program === undefined) throw new Error(`this needs ${SERVERS.join(' or ')} on the PATH`)
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.once('exit', () => server.kill())
  const isApart = partCores(server.pid)
  for await (const line of server.stdout) if (String(line).includes('eady to accept connections')) break
  server.stdout.resume()
  const client = new Redis(port)
  return {
    port,
    client,
    isApart,
    version: (await client.info('server'))
      .match(/(?:valkey|redis)_version:\S+/)?.[0]
      .replace('_version:', ' '),
    stop: async () => {
      client.disconnect()
      const gone = once(server, 'exit')
      server.kill()
      await gone
    },
  }
}

/**
 * Gives the server a processor core of its own, and this process and all that it starts the others, as if
 * they were two machines: left to the system, client and server of one contender share a core and take turns,
 * and those of another do not. Returns whether that was possible.
 */
function partCores(server) {
  const cores = availableParallelism()
  const pin = (list, pid) => spawnSync('taskset', ['-a', '-c', '-p', list, String(pid)]).status === 0
  return cores > 1 && pin('0', server) && pin(`1-${cores - 1}`, process.pid)
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

/** CPU time that the server has used, in ns. */
export async function cpuOf(client) {
  const info = await client.info('cpu')
  const seconds = (name) => Number(info.match(new RegExp(`^${name}:([\\d.]+)`, 'm'))[1])
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e9
}

/**
 * How many commands the server has run, those that scripts call included, those that look at the server not.
 */
export async function commandsOf(client) {
  const info = await client.info('commandstats')
  return [...info.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)]
    .filter(([, name]) => !/^(?:info|hello|client|config|memory)/.test(name))
    .reduce((sum, [, , calls]) => sum + Number(calls), 0)
}

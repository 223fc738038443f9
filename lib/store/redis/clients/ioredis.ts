import { type Connection, type Run, type ScriptVerb, STOP } from './connection.js'
import { type Emitter, onEvent } from './shared-listener.js'

type Arg = string | Buffer

/** ioredis and iovalkey, as far as we use them. */
export interface IoClient extends Emitter {
  readonly status: string
  readonly isCluster?: boolean | undefined
  readonly options?: { keyPrefix?: unknown; enableAutoPipelining?: boolean | undefined } | undefined
  evalsha(sha: string, keys: number, ...args: Arg[]): Promise<unknown>
  eval(script: string, keys: number, ...args: Arg[]): Promise<unknown>
  disconnect(reconnect?: boolean): void
}

/** A client, or one of a Cluster with a client for each master. */
interface Informed {
  info(section: 'memory'): Promise<unknown>
  nodes?(role: 'master'): readonly Informed[]
}

/**
 * A command as these clients keep it until it is answered: they write `args` when they can, and again after a
 * lost connection.
 */
interface Command {
  readonly args: unknown[]
}

const LOST: ReadonlySet<string> = new Set(['close', 'reconnecting', 'end'])

export function ioConnection(client: IoClient): Connection {
  const isCluster = client.isCluster === true
  const { keyPrefix, enableAutoPipelining } = client.options ?? {}
  const isReady = () => client.status === 'ready'
  let lastError: unknown = null
  return {
    isCluster,
    keyPrefix: keyPrefix === undefined ? '' : String(keyPrefix),
    obstacle: () => {
      if (isReady()) lastError = null
      if (!LOST.has(client.status)) return null
      return client.status === 'end' ? 'the client is closed' : 'not connected'
    },
    lastError: () => (isReady() ? null : lastError),
    run: enableAutoPipelining === true ? bufferRunner(client) : commandRunner(client),
    watch: (onLoss) => {
      const stopLoss = onEvent(client, isCluster ? '-node' : 'close', () => onLoss(!isCluster))
      const stopErrors = onEvent(client, 'error', (error) => {
        lastError = error
      })
      return () => {
        stopLoss()
        stopErrors()
      }
    },
    memoryInfo: async () => {
      const informed = client as object as Informed
      const nodes = informed.nodes?.('master') ?? [informed]
      return Promise.all(nodes.map((node) => node.info('memory')))
    },
    reconnect: () => {
      if (!isCluster && isReady()) client.disconnect(true)
    },
  }
}

type Runner = Connection['run']

/**
 * Sees the command that a call makes by standing between the client's methods and its `sendCommand`, and
 * cancels by the argument in it: a Buffer would cost a third of a single decision. After a lost connection
 * ioredis sends again what was unanswered.
 */
function commandRunner(client: IoClient): Runner {
  let last: Command | undefined
  const send = (client as unknown as { sendCommand(command: Command, stream?: unknown): unknown }).sendCommand
  const tapped: IoClient = Object.create(client, {
    sendCommand: {
      value: (command: Command, stream?: unknown) => {
        last = command
        return send.call(client, command, stream)
      },
    },
  })
  return (verb: ScriptVerb, script, keys, args): Run => {
    const reply = tapped[verb](script, keys.length, ...keys, ...args)
    const command = last
    return {
      reply,
      cancel: () => {
        if (command !== undefined) command.args[2 + keys.length] = STOP
      },
    }
  }
}

/** Cancels by the byte of a Buffer, which stays what it is until it is written. */
function bufferRunner(client: IoClient): Runner {
  return (verb, script, keys, [first, ...others]) => {
    const deadline = Buffer.from(first)
    const reply = client[verb](script, keys.length, ...keys, deadline, ...others)
    return { reply, cancel: () => deadline.write(STOP) }
  }
}

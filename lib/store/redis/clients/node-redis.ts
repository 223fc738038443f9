import { type Connection, type Run, STOP } from './connection.js'
import { type Emitter, onEvent } from './shared-listener.js'

interface ScriptCall {
  keys: string[]
  arguments: (string | Buffer)[]
}

/** node-redis, as far as we use it. */
export interface NodeRedisClient extends Emitter {
  readonly isOpen: boolean
  readonly isReady?: boolean | undefined
  readonly options?: object | undefined
  evalSha(sha: string, call: ScriptCall): Promise<unknown>
  eval(script: string, call: ScriptCall): Promise<unknown>
}

interface Informed {
  info(section: 'memory'): Promise<unknown>
}

/** One for Cluster has a client for each master. */
interface Cluster {
  readonly masters: readonly object[]
  nodeClient(node: object): Promise<Informed>
}

/** Which of the two it is, a client does not say. */
const NEVER = 'the client is closed or was never connected: call client.connect()'

export function nodeRedisConnection(client: NodeRedisClient): Connection {
  // A Sentinel client sends what failed once more, to the new master, and does not say when; the others
  // reject it.
  const repeats = 'getSentinelNode' in client
  const isReady = () => client.isReady ?? client.isOpen
  const isCluster = 'slots' in client && 'nodeClient' in client
  let wasReady = false
  let lastError: unknown = null
  return {
    isCluster,
    keyPrefix: keyPrefixOf(client),
    obstacle: () => {
      if (isReady()) {
        wasReady = true
        lastError = null
        return null
      }
      if (client.isOpen) return wasReady ? 'not connected' : null
      return wasReady ? 'the client is closed' : NEVER
    },
    lastError: () => (isReady() ? null : lastError),
    run: (verb, script, keys, [first, ...others]): Run => {
      const deadline = Buffer.from(first)
      const call = { keys: [...keys], arguments: [deadline, ...others] }
      const reply = verb === 'eval' ? client.eval(script, call) : client.evalSha(script, call)
      const cancel = () => deadline.write(STOP)
      // It is written in an immediate of this turn; whatever is written later is written a second time.
      if (repeats) setImmediate(() => setImmediate(cancel))
      return { reply, cancel }
    },
    watch: () =>
      onEvent(client, 'error', (error) => {
        lastError = error
      }),
    memoryInfo: async () => {
      const cluster = client as object as Cluster
      const nodes = isCluster
        ? cluster.masters.map((node) => cluster.nodeClient(node))
        : [client as object as Informed]
      return Promise.all(nodes.map(async (node) => (await node).info('memory')))
    },
    reconnect: () => {},
  }
}

/** An option of clients from v6.3 on; those for Cluster and Sentinel keep it to themselves. */
function keyPrefixOf(client: NodeRedisClient): string {
  const { options = {}, _keyPrefix } = client as { options?: { keyPrefix?: unknown }; _keyPrefix?: unknown }
  const prefix = (options as { keyPrefix?: unknown }).keyPrefix ?? _keyPrefix
  return prefix === undefined ? '' : String(prefix)
}

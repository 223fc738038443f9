type Listener = () => void

/** A client that emits events. */
export interface Emitter {
  on(event: string, listener: Listener): unknown
  off(event: string, listener: Listener): unknown
}

interface Watch {
  readonly listeners: Set<Listener>
  readonly emit: Listener
}

/** Clients may serve many stores, and Node.js warns of an emitter that has more than ten listeners: each gets one. */
const watches = new WeakMap<Emitter, Watch>()

/** Calls `listener` at each `event` of a client, until the returned function is called. A client is always watched for the same event. */
export function onEvent(client: Emitter, event: string, listener: Listener): () => void {
  const watch = watches.get(client) ?? watchOf(client)
  if (watch.listeners.size === 0) client.on(event, watch.emit)
  watch.listeners.add(listener)
  return () => {
    watch.listeners.delete(listener)
    if (watch.listeners.size === 0) client.off(event, watch.emit)
  }
}

function watchOf(client: Emitter): Watch {
  const listeners = new Set<Listener>()
  const emit = () => {
    for (const listener of listeners) listener()
  }
  const watch = { listeners, emit }
  watches.set(client, watch)
  return watch
}

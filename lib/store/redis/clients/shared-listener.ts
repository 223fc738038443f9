type Listener = (error?: unknown) => void

/** A client that emits events. */
export interface Emitter {
  on(event: string, listener: Listener): unknown
  off(event: string, listener: Listener): unknown
}

interface Watch {
  readonly listeners: Set<Listener>
  readonly emit: Listener
}

/**
 * Clients may serve many stores, and Node.js warns of an emitter that has more than ten listeners: each event
 * gets one.
 */
const watches = new WeakMap<Emitter, Map<string, Watch>>()

/** Calls `listener` at each `event` of a client, until the returned function is called. */
export function onEvent(client: Emitter, event: string, listener: Listener): () => void {
  const watch = watchOf(client, event)
  if (watch.listeners.size === 0) client.on(event, watch.emit)
  watch.listeners.add(listener)
  return () => {
    watch.listeners.delete(listener)
    if (watch.listeners.size === 0) client.off(event, watch.emit)
  }
}

function watchOf(client: Emitter, event: string): Watch {
  const events = watches.get(client) ?? new Map<string, Watch>()
  watches.set(client, events)
  const watch = events.get(event) ?? newWatch()
  events.set(event, watch)
  return watch
}

function newWatch(): Watch {
  const listeners = new Set<Listener>()
  const emit: Listener = (error) => {
    for (const listener of listeners) listener(error)
  }
  return { listeners, emit }
}

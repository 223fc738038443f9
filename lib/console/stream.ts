import type { OutgoingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import type { After } from '../store/index.js'
import { tooManyPages } from './errors.js'

/** Most pages that follow at a time. */
const MOST_PAGES = 1000
/** Ticks after which a page that reads nothing is given up. */
const SILENT_TICKS = 30
/** Ticks after which a stream ends: the browser connects again, and the hooks of operators run again. */
const LIFETIME = 900
/** Milliseconds after which a browser connects again. */
const RETRY = 2000

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // For proxies that would wait for more.
  'x-accel-buffering': 'no',
}

/** What is sent, computed once for all pages. */
export interface Source {
  /** Called when the first page comes. */
  begin(): void
  /** What changed since the last tick, and the whole state if more than counters did. */
  tick(): { readonly tick: object; readonly state: object | null }
  state(): object
}

/** One page. */
class Follower {
  readonly #response: FastifyReply['raw']
  readonly #socket: Socket
  /** Ticks since it was sent something. */
  silent = 0
  /** Ticks since it came. */
  age = 0
  #isFull = false

  constructor({ raw, request }: FastifyReply) {
    this.#response = raw
    this.#socket = request.raw.socket
    // A page that has gone is no failure.
    raw.on('error', () => {})
    raw.on('drain', () => {
      this.#isFull = false
    })
  }

  /** Whether its client has left: the response of a pipelined request does not hear that. */
  get isGone(): boolean {
    return this.#response.destroyed || this.#socket.destroyed
  }

  /** Whether it reads: what is sent to others is never kept for one that does not. */
  get reads(): boolean {
    return !this.#isFull
  }

  send(event: Buffer): void {
    this.#isFull = !this.#response.write(event)
  }

  end(): void {
    if (this.reads) this.#response.end()
    else this.#response.destroy()
  }

  giveUp(): void {
    this.#response.destroy()
  }
}

/** Keeps open pages up to date, by server-sent events. Does nothing while there are none. */
export class Stream {
  readonly #source: Source
  readonly #after: After
  readonly #followers = new Set<Follower>()
  #stop: (() => void) | null = null

  constructor(source: Source, after: After) {
    this.#source = source
    this.#after = after
  }

  /** Pages that follow now. */
  get size(): number {
    return this.#followers.size
  }

  /** Replies with the state, and goes on with ticks. Throws `FST_FLOODGATE_PAGES`. */
  follow(reply: FastifyReply): void {
    const follower = new Follower(reply)
    // It left while a hook of operators waited.
    if (follower.isGone) return void reply.hijack()
    if (this.#followers.size >= MOST_PAGES) throw tooManyPages(MOST_PAGES)
    const first = Buffer.from(`retry: ${RETRY}\n\n${event('state', this.#source.state())}`)
    if (this.#stop === null) this.#begin()
    const { raw, request } = reply.hijack()
    const headers = { ...(reply.getHeaders() as OutgoingHttpHeaders), ...HEADERS }
    // A connection that could be used again would keep the server from closing. HTTP/2 has streams.
    if (request.raw.httpVersionMajor === 1) headers.connection = 'close'
    raw.writeHead(200, headers)
    this.#followers.add(follower)
    raw.on('close', () => this.#leave(follower))
    follower.send(first)
  }

  close(): void {
    for (const follower of this.#followers) this.#end(follower)
  }

  #begin(): void {
    this.#source.begin()
    this.#schedule()
  }

  #schedule(): void {
    this.#stop = this.#after(1000, () => {
      this.#schedule()
      this.#tick()
    })
  }

  /** Nothing may be written after the end. */
  #end(follower: Follower): void {
    this.#leave(follower)
    follower.end()
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower)
    if (this.#followers.size > 0) return
    this.#stop?.()
    this.#stop = null
  }

  #tick(): void {
    for (const follower of this.#followers) this.#endIfOver(follower)
    const { tick, state } = this.#source.tick()
    const both = event('tick', tick) + (state === null ? '' : event('state', state))
    // Encoded once for all pages.
    const bytes = Buffer.from(both)
    let whole: Buffer | null = null
    for (const follower of this.#followers) {
      if (!follower.reads) continue
      if (follower.silent > 1) {
        whole ??= Buffer.from(event('state', state ?? this.#source.state()))
        follower.send(whole)
      } else follower.send(bytes)
      follower.silent = 0
    }
  }

  /** Counts a tick of a page before the source is asked, so that a fault of the source keeps nobody. */
  #endIfOver(follower: Follower): void {
    follower.silent++
    if (++follower.age > LIFETIME) this.#end(follower)
    else if (follower.isGone || (!follower.reads && follower.silent > SILENT_TICKS)) {
      this.#leave(follower)
      follower.giveUp()
    }
  }
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

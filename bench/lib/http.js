// Requests that reach Fastify without a network: real IncomingMessage and ServerResponse objects, their
// headers unparsed as Node's parser leaves them, on a socket that swallows what is written. `app.routing` is
// what Fastify gives to `http.createServer`, so everything of Fastify and of Node's writing of headers is
// there, and nothing of light-my-request, of a client, or of the system's sockets, which together take some
// ten times as long as what is to be measured.
import { IncomingMessage, ServerResponse } from 'node:http'

/** A socket as far as a response needs one. */
class Sink {
  writable = true
  destroyed = false
  writableLength = 0
  writableHighWaterMark = 65_536
  remoteAddress = ''
  _httpMessage = null
  _writableState = { corked: 0 }
  /** Bytes, or characters, that were written. */
  written = 0

  write(data) {
    this.written += data.length
    return true
  }

  on() {
    return this
  }

  removeListener() {
    return this
  }

  cork() {}
  uncork() {}
  setTimeout() {}
}

export class Dispatcher {
  #app
  #sink = new Sink()
  #done = 0
  #denied = 0
  #failed = 0

  constructor(app) {
    this.#app = app
  }

  /** A GET as a client with an API key sends it, and its response. */
  exchange(key, ip) {
    const request = new IncomingMessage(this.#sink)
    request.method = 'GET'
    request.url = '/things'
    request.httpVersionMajor = 1
    request.httpVersionMinor = 1
    request.httpVersion = '1.1'
    const headers = ['host', 'api.example.com', 'accept', '*/*', 'user-agent', 'bench/1', 'x-api-key', key]
    request._addHeaderLines(headers, headers.length)
    request.complete = true
    const response = new ServerResponse(request)
    response.shouldKeepAlive = true
    const { end } = response
    response.end = (...given) => {
      end.apply(response, given)
      this.#ended(response)
    }
    return { request, response, ip }
  }

  /**
   * Lets the app answer one after the other, timed by `watch`; resolves with how many it denied. After each,
   * promises and ticks are run, as Node does before it parses the next request. That works from a callback of
   * the event loop only, not from a promise's.
   */
  dispatch(exchanges, watch) {
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#done = this.#denied = this.#failed = 0
        watch.start()
        for (let i = 0; i < exchanges.length; i++) this.#answer(exchanges[i])
        watch.stop()
        if (this.#failed > 0 || this.#done < exchanges.length)
          reject(new Error(`${this.#failed} of ${exchanges.length} failed, ${this.#done} were answered`))
        else resolve(this.#denied)
      })
    })
  }

  #answer({ request, response, ip }) {
    this.#sink._httpMessage = null
    this.#sink.remoteAddress = ip
    response.assignSocket(this.#sink)
    this.#app.routing(request, response)
    // What Node's server says of a response that is written.
    response.emit('finish')
    response.emit('close')
    process._tickCallback()
  }

  #ended(response) {
    this.#done++
    if (response.statusCode === 429) this.#denied++
    else if (response.statusCode !== 200) this.#failed++
  }
}

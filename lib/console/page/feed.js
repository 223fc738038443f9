// Live data by one stream. Where no stream comes through, as behind some proxies, the page asks again and
// again.
import { getState } from './api.js'

/** @typedef {import('../../../types/console.js').ConsoleState} ConsoleState */
/** @typedef {import('../../../types/console.js').ConsoleTick} ConsoleTick */

/**
 * @typedef {object} Status
 * @property {'loading' | 'live' | 'asking' | 'stale' | 'failed'} mode
 * @property {number} at when the last data came, in milliseconds since 1970
 * @property {string} error why there is no data; empty where there is
 */

/** Milliseconds without a word of the stream, after which the page asks by itself. */
const PATIENCE = 4000
/** Milliseconds after which what is shown is called old. */
const STALE = 8000
const ASK_EVERY = 3000
const REOPEN_EVERY = 10_000
/** Ticks do not carry everything. */
const REFRESH_EVERY = 30_000
/** A page that nobody sees lets the server rest. */
const HIDDEN = 60_000

export class Feed {
  #onState
  #onTick
  #onStatus
  /** @type {EventSource | null} */
  #stream = null
  #opened = 0
  #heard = 0
  #data = 0
  #asked = 0
  #isAsking = false
  #error = ''
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #rest

  /**
   * @param {(state: ConsoleState, isStream: boolean) => void} onState
   * @param {(tick: ConsoleTick) => void} onTick
   * @param {(status: Status) => void} onStatus
   */
  constructor(onState, onTick, onStatus) {
    this.#onState = onState
    this.#onTick = onTick
    this.#onStatus = onStatus
  }

  start() {
    this.#open()
    setInterval(() => this.#watch(), 1000)
    document.addEventListener('visibilitychange', () => this.#sleep())
  }

  /** Asks for the state now. */
  refresh() {
    return this.#ask()
  }

  #open() {
    this.#stream?.close()
    this.#opened = Date.now()
    this.#heard = Math.max(this.#heard, this.#opened - PATIENCE / 2)
    const stream = new EventSource('api/stream')
    this.#stream = stream
    const hear = (/** @type {string} */ type, /** @type {(data: any) => void} */ take) =>
      stream.addEventListener(type, (event) => {
        if (stream !== this.#stream) return
        this.#heard = this.#data = Date.now()
        this.#error = ''
        take(JSON.parse(/** @type {MessageEvent<string>} */ (event).data))
        this.#report()
      })
    hear('state', (state) => this.#onState(state, true))
    hear('tick', this.#onTick)
    stream.addEventListener('error', () => this.#watch())
  }

  #watch() {
    const now = Date.now()
    if (this.#stream === null) return
    const isSilent = now - this.#heard > PATIENCE
    if (isSilent && now - this.#opened > REOPEN_EVERY) this.#open()
    if (now - this.#asked > (isSilent ? ASK_EVERY : REFRESH_EVERY)) this.#ask()
    this.#report()
  }

  async #ask() {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#asked = Date.now()
    try {
      const state = await getState()
      this.#data = Date.now()
      this.#error = ''
      this.#onState(state, this.#data - this.#heard <= PATIENCE)
    } catch (error) {
      this.#error = /** @type {Error} */ (error).message
    }
    this.#isAsking = false
    this.#report()
  }

  #report() {
    this.#onStatus({ mode: this.#mode(), at: this.#data, error: this.#error })
  }

  /** @returns {Status['mode']} */
  #mode() {
    const now = Date.now()
    if (this.#data === 0) return this.#error === '' ? 'loading' : 'failed'
    if (now - this.#data > STALE || (this.#error !== '' && now - this.#data > PATIENCE)) return 'stale'
    return now - this.#heard > PATIENCE ? 'asking' : 'live'
  }

  #sleep() {
    clearTimeout(this.#rest)
    if (document.hidden) {
      this.#rest = setTimeout(() => {
        this.#stream?.close()
        this.#stream = null
      }, HIDDEN)
    } else if (this.#stream === null) this.#open()
  }
}

// A lane is a contender in a process of its own: its heap, its inline caches and its garbage are nobody
// else's. All lanes stand by while one of them runs, so that rounds can be interleaved.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { BENCH } from './build.js'

/** The side that asks. */
export class Lane {
  name
  #child
  #error = ''
  #resolve = () => {}
  #reject = () => {}

  /** Starts `lanes/<program>.js` and has it set up with `settings`. */
  static async open(program, name, settings, execArgv = []) {
    const lane = new Lane(program, name, execArgv)
    await lane.ask('setup', settings)
    return lane
  }

  constructor(program, name, execArgv) {
    this.name = name
    this.#child = fork(join(BENCH, 'lanes', `${program}.js`), {
      execArgv,
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    })
    this.#child.stderr.on('data', (data) => {
      this.#error += data
    })
    this.#child.on('message', ({ error, value }) => {
      if (error === undefined) this.#resolve(value)
      else this.#reject(new Error(`${name}: ${error}`))
    })
    this.#child.on('exit', (code, signal) => {
      this.#reject(new Error(`${name} ended with ${signal ?? code}: ${this.#error}`))
    })
  }

  /** Has the other side do something; what it throws is thrown here. */
  ask(command, parameters) {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#child.send({ command, parameters })
    })
  }

  async close() {
    const gone = once(this.#child, 'exit')
    this.#child.disconnect()
    await gone
  }
}

/** The side that answers: a function for each command. */
export function serve(commands) {
  process.on('message', async ({ command, parameters }) => {
    try {
      process.send({ value: await commands[command](parameters) })
    } catch (error) {
      process.send({ error: error.stack })
    }
  })
  // The parent has gone, or has had enough.
  process.once('disconnect', () => process.exit())
}

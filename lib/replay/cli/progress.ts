import type { Io } from '../../command/index.js'
import type { Progress } from '../options.js'
import { counted } from '../output/numbers.js'

const CELLS = 30
/** Bytes after which a bar without an end is drawn again. */
const STEP = 2 ** 22

/** A bar on a terminal that shows how far the reading has come. Draws nothing where there is no terminal. */
export class ProgressBar {
  readonly #output: Io['stderr']
  #drawn = -1

  constructor(output: Io['stderr']) {
    this.#output = output
  }

  readonly update = ({ bytes, total, lines }: Progress): void => {
    if (this.#output.isTTY !== true) return
    const step = total === null ? Math.floor(bytes / STEP) : Math.floor((bytes / Math.max(total, 1)) * 100)
    if (step === this.#drawn) return
    this.#drawn = step
    const done = Math.round((step / 100) * CELLS)
    const bar = total === null ? '' : `[${'#'.repeat(done).padEnd(CELLS, '.')}] ${step} %  `
    this.#output.write(`\r${bar}${counted(lines, 'line')}\u001b[K`)
  }

  /** Removes the bar. */
  end(): void {
    if (this.#drawn >= 0) this.#output.write('\r\u001b[K')
  }
}

/** The reply to a batch, which its calls read in their order. */
export class Reply {
  /** The server's time in microseconds. */
  readonly now: number
  /** Local time, in microseconds, at which the batch was sent. */
  readonly sentAt: number
  readonly #numbers: readonly unknown[]
  #next = 1

  constructor(numbers: readonly unknown[], sentAt: number) {
    this.#numbers = numbers
    this.now = Number(numbers[0])
    this.sentAt = sentAt
  }

  read(): number {
    return Number(this.#numbers[this.#next++])
  }
}

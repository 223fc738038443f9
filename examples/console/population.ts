/** Sends a request as the client with that address. */
export type Visit = (from: string, method: 'GET' | 'POST', path: string) => Promise<unknown>

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Who visits the shop, until the signal aborts: forty people, and some that are no people. */
export function populate(visit: Visit, signal: AbortSignal): void {
  /** Calls `act` again and again, with about so many milliseconds between. */
  async function every(ms: number, act: () => unknown): Promise<void> {
    await sleep(Math.random() * ms)
    while (!signal.aborted) {
      act()
      await sleep(ms * (0.5 + Math.random()))
    }
  }

  // People look around, search now and then, and buy a little.
  for (let i = 1; i <= 40; i++) {
    const person = `198.51.100.${i}`
    every(2500, () => visit(person, 'GET', '/products'))
    every(15_000, () => visit(person, 'GET', '/search'))
    every(60_000, () => visit(person, 'POST', '/login'))
  }
  // A household that buys quickly: its orders wait for a moment.
  every(700, () => visit('198.51.100.7', 'POST', '/checkout'))
  // The accountant opens some reports at once.
  every(5000, () => Array.from({ length: 5 }, () => visit('198.51.100.2', 'GET', '/reports')))
  // A crawler that knows no pause: steady, and too fast.
  every(250, () => visit('192.0.2.66', 'GET', '/products'))
  // A scraper of the search: two minutes at work, three at rest.
  every(120, () => {
    if (Date.now() % 300_000 < 120_000) visit('203.0.113.7', 'GET', '/search')
  })
  // Somebody who guesses passwords, and is blocked for longer each time.
  every(900, () => visit('203.0.113.23', 'POST', '/login'))
  // A job that somebody wrote without a pause: a hundred requests at once, each minute.
  every(60_000, () => {
    for (let i = 0; i < 100; i++) visit('192.0.2.144', 'GET', '/products')
  })
}

/** The parts of a response that tests read. */
export interface Answer {
  status: number
  headers: Headers
  body: string
}

/** A client of examples/api-server. */
export class ApiClient {
  readonly #address: string

  constructor(address: string) {
    this.#address = address
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return answer(await fetch(this.#address + path, { headers }))
  }

  async post(path: string, key?: string): Promise<Answer> {
    const headers: Record<string, string> = key === undefined ? {} : { 'x-api-key': key }
    return answer(await fetch(this.#address + path, { method: 'POST', headers }))
  }

  /** `count` checks one after the other over one connection that is kept alive. */
  async checks(key: string, count: number): Promise<Answer[]> {
    const answers: Answer[] = []
    for (let i = 0; i < count; i++) answers.push(await this.post('/api/v1/check', key))
    return answers
  }

  /**
   * Calls `attempt` with one key after the other until a call takes less than `ms`, and returns its result
   * with the key. On a busy machine a slow attempt may get units back, so only a quick one has a certain
   * result.
   */
  async rapidly<T>(keys: Iterator<string>, ms: number, attempt: (key: string) => Promise<T>) {
    await this.get('/health')
    for (let next = keys.next(); !next.done; next = keys.next()) {
      const start = performance.now()
      const answers = await attempt(next.value)
      if (performance.now() - start < ms) return { key: next.value, answers }
    }
    throw new Error(`it took ${ms} ms or more with every key`)
  }
}

async function answer(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, body: await response.text() }
}

export function statuses(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status)
}

/** The names of the headers that limiters send. */
export function limitHeaders({ headers }: Answer): string[] {
  return [...headers.keys()].filter((name) => /^(x-)?ratelimit|^retry-after$/.test(name))
}

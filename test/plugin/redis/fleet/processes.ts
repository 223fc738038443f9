import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Change, ChangeOptions, Decision, Override, ProcessReport } from '../../../../types/index.js'
import type { Owner } from '../../../fixtures/redis/server.js'
import type { Reply, Start } from './member.js'

/** A process of a fleet, to be asked from here. */
export class Member {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #next = 1

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, value, error }: Reply) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(error))
    })
  }

  static async start(owner: NonNullable<Owner>, start: Start): Promise<Member> {
    const path = fileURLToPath(new URL('member.ts', import.meta.url))
    const child = fork(path, [JSON.stringify(start)], { execArgv: ['--import=tsx', '--expose-gc'] })
    owner.teardown(() => child.kill('SIGKILL'))
    const failed = new AbortController()
    child.once('exit', () => failed.abort(new Error('the process did not start')))
    await once(child, 'message', { signal: failed.signal })
    return new Member(child)
  }

  get pid(): number {
    return this.#child.pid as number
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  ask<T>(limiter: string | null, method: string, ...args: unknown[]): Promise<T> {
    const id = this.#next++
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#child.send({ id, limiter, method, args })
    })
  }

  take(key: string, cost = 1, limiter = 'default'): Promise<Decision> {
    return this.ask(limiter, 'take', key, { cost })
  }

  peek(key: string, limiter = 'default'): Promise<Decision> {
    return this.ask(limiter, 'peek', key)
  }

  update(name: string, policies: object | null, options: ChangeOptions = {}): Promise<void> {
    return this.ask(null, 'update', name, policies, options)
  }

  override(key: string, policy: object | false | null, options: object = {}): Promise<void> {
    return this.ask(null, 'override', 'default', key, policy, options)
  }

  block(key: string, period: string, options: ChangeOptions = {}): Promise<void> {
    return this.ask(null, 'block', 'default', key, period, options)
  }

  reset(key: string): Promise<void> {
    return this.ask(null, 'reset', 'default', key)
  }

  changes(): Promise<Change[]> {
    return this.ask(null, 'changes')
  }

  overrides(): Promise<Override[]> {
    return this.ask(null, 'overrides')
  }

  processes(): Promise<ProcessReport[]> {
    return this.ask(null, 'processes')
  }
}

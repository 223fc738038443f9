import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../fixtures/redis/child.js'
import { until } from '../fixtures/redis/until.js'

/** Whether Prometheus and its tool are there. Where they are not, the test is skipped, or fails in CI. */
export function hasPrometheus(t: Test): boolean {
  const isThere = ['prometheus', 'promtool'].every(
    (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0,
  )
  if (isThere) return true
  const reason = 'prometheus and promtool are not on the PATH: apt-get install prometheus'
  if (process.env.CI === 'true') t.fail(reason)
  else t.pass(reason, { skip: reason })
  return false
}

/** What the tool says, and its exit code. */
export function promtool(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

/** A value of an instant query, with its labels. */
export interface Value {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

export interface Rule {
  readonly name: string
  readonly query: string
  readonly state: 'inactive' | 'pending' | 'firing'
  readonly health: string
  readonly lastError?: string
}

/** A private Prometheus that scrapes these addresses, by the name of their job, every 250 ms. */
export async function startPrometheus(t: Test, jobs: Readonly<Record<string, string>>, rules: string) {
  const folder = mkdtempSync(join(tmpdir(), 'floodgate-prometheus-'))
  const config = {
    global: { scrape_interval: '250ms', scrape_timeout: '250ms', evaluation_interval: '250ms' },
    rule_files: [rules],
    scrape_configs: Object.entries(jobs).map(([job_name, address]) => ({
      job_name,
      static_configs: [{ targets: [new URL(address).host] }],
    })),
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const port = await freePort()
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise((resolve) => child.once('close', resolve))
  t.teardown(async () => {
    process.off('exit', kill)
    kill()
    await ended
    rmSync(folder, { recursive: true })
  })
  const api = async (path: string) => {
    const reply = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)
    const { status, data, error } = (await reply.json()) as Reply
    if (status !== 'success') throw new Error(`${path}: ${error}`)
    return data
  }
  await until('Prometheus to answer', () => api('status/runtimeinfo'), 30_000).catch((error) => {
    throw new Error(log, { cause: error })
  })
  return {
    /** The values of an expression now. Rejects where Prometheus does not accept it. */
    query: async (expression: string) =>
      (await api(`query?query=${encodeURIComponent(expression)}`)).result as Value[],
    rules: async () => (await api('rules')).groups?.flatMap(({ rules }) => rules) as Rule[],
    names: async () => (await api('label/__name__/values')) as unknown as string[],
  }
}

interface Reply {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result?: Value[]; readonly groups?: readonly { readonly rules: Rule[] }[] }
}

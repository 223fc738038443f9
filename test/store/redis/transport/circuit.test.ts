import { type Test, test } from 'tap'
import { NoReply, storeFailure } from '../../../../lib/store/redis/errors.js'
import { Circuits } from '../../../../lib/store/redis/transport/circuit.js'
import type { StoreState } from '../../../../types/index.js'

const SECOND = 1_000_000
const IN_FORCE = 'so it is'

/** What is told when a shard fails. */
const down = (shard: number) => `the rate limit store does not answer: shard ${shard} fails; ${IN_FORCE}`
const failure = (text: string) => storeFailure(new NoReply(text))

/** Circuits, and what they said. */
function watched(t: Test) {
  const circuits = new Circuits(IN_FORCE)
  const told: string[] = []
  t.teardown(
    circuits.onStateChange((state, error) => told.push(error ? `${state}: ${error.message}` : state)),
  )
  return { circuits, told }
}

function fail(circuits: Circuits, shard: number, times: number, at = 0): void {
  for (let i = 0; i < times; i++) circuits.of(shard).failed(at, at, failure(`shard ${shard} fails`))
}

test('the fifth failure in a row opens a circuit, and it is left alone for a second', (t) => {
  const { circuits, told } = watched(t)
  const circuit = circuits.of(0)
  fail(circuits, 0, 4)
  circuit.succeeded(0)
  fail(circuits, 0, 4)
  t.same([circuits.state, told], ['up', []])
  fail(circuits, 0, 1)
  t.same([circuits.state, told], ['down', [`down: ${down(0)}`]])
  t.same([circuit.admits(0), circuit.admits(SECOND - 1), circuit.admits(SECOND)], [false, false, true])
  t.end()
})

test('while a try is under way, and for a second after it failed, others are not made', (t) => {
  const { circuits, told } = watched(t)
  const circuit = circuits.of(0)
  fail(circuits, 0, 5)
  circuit.sending(SECOND)
  t.notOk(circuit.admits(SECOND + 1))
  circuit.failed(SECOND, SECOND + 100_000, failure('again'))
  t.notOk(circuit.admits(2 * SECOND + 99_999))
  t.ok(circuit.admits(2 * SECOND + 100_000))
  t.same(told, [`down: ${down(0)}`], 'nobody is told twice')
  circuit.sending(2 * SECOND + 100_000)
  circuit.succeeded(2 * SECOND + 100_000)
  t.ok(circuit.admits(2 * SECOND + 100_001))
  t.same(told, [`down: ${down(0)}`, 'up'])
  t.end()
})

test('what was sent before something that was answered does not count when it fails', (t) => {
  const { circuits } = watched(t)
  circuits.of(0).succeeded(10)
  fail(circuits, 0, 20, 9)
  t.equal(circuits.state, 'up')
  fail(circuits, 0, 5, 10)
  t.equal(circuits.state, 'down')
  t.end()
})

test('shards fail apart from one another, and the store is down while any of them is', (t) => {
  const { circuits, told } = watched(t)
  fail(circuits, 1, 5)
  t.same([circuits.of(0).admits(0), circuits.of(1).admits(0)], [true, false])
  circuits.of(0).succeeded(1)
  t.equal(circuits.state, 'down', 'that others answer does not mend it')
  fail(circuits, 2, 5)
  circuits.of(1).succeeded(1)
  t.equal(circuits.state, 'down')
  circuits.of(2).succeeded(1)
  t.equal(circuits.state, 'up')
  t.same(told, [`down: ${down(1)}`, 'up'], 'told once for all of them')
  t.end()
})

test('every listener is told, until it no longer listens', (t) => {
  const circuits = new Circuits(IN_FORCE)
  const told: [string, StoreState][] = []
  const stops = ['a', 'b'].map((name) => circuits.onStateChange((state) => told.push([name, state])))
  fail(circuits, 0, 5)
  stops[0]()
  circuits.of(0).succeeded(0)
  t.same(told, [
    ['a', 'down'],
    ['b', 'down'],
    ['b', 'up'],
  ])
  stops[1]()
  t.end()
})

test('where nobody listens the process is warned, with what went wrong', async (t) => {
  const warnings: Error[] = []
  const listener = (warning: Error) => warnings.push(warning)
  process.on('warning', listener)
  t.teardown(() => process.off('warning', listener))
  const circuits = new Circuits(IN_FORCE)
  fail(circuits, 0, 6)
  circuits.of(0).succeeded(0)
  await new Promise((resolve) => setImmediate(resolve))
  const kind = { name: 'FloodgateWarning', code: 'FST_FLOODGATE_STORE' }
  t.match(warnings, [
    { ...kind, message: down(0) },
    { ...kind, message: 'the rate limit store answers again' },
  ])
  t.equal(warnings.length, 2)
})

test('what a listener throws ends nothing but its own affair: the others are told, and the process hears of it', async (t) => {
  const thrown: unknown[] = []
  // Where others would report it as a failure of this test.
  process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error))
  t.teardown(() => process.setUncaughtExceptionCaptureCallback(null))
  const circuits = new Circuits(IN_FORCE)
  const told: string[] = []
  circuits.onStateChange(() => {
    throw new Error('of the listener')
  })
  circuits.onStateChange((state) => told.push(state))
  t.doesNotThrow(() => fail(circuits, 0, 5))
  t.same(told, ['down'])
  t.same(thrown, [], 'not before the caller is done')
  await new Promise((resolve) => setImmediate(resolve))
  t.match(thrown, [{ message: 'of the listener' }])
})

import { test } from 'tap'
import { compilePolicies, Registry } from '../../lib/limiter/index.js'
import { memoryStore } from '../../lib/store/index.js'
import { ManualClock } from '../fixtures/manual-clock.js'

function registryOf(...names: string[]) {
  const registry = new Registry(memoryStore({ clock: new ManualClock() }))
  for (const name of names) registry.add(name, compilePolicies([{ rate: 1 }], name, 'policies'))
  return registry
}

test('a registry knows its limiters by name, and iterates over them in the order of their definition', async (t) => {
  const registry = registryOf('search', 'login', 'default')
  t.equal(registry.get('login').name, 'login')
  t.ok(registry.has('login'))
  t.notOk(registry.has('logout'))
  t.strictSame(
    [...registry].map((limiter) => limiter.name),
    ['search', 'login', 'default'],
  )
  t.equal(registry.get('login'), registry.get('login'), 'always the same one')
})

test('its limiters share a store, and no keys', async (t) => {
  const registry = registryOf('search', 'login')
  t.equal(registry.get('search').store, registry.store)
  t.equal(registry.get('login').store, registry.store)
  t.ok((await registry.get('search').take('a')).allowed)
  t.notOk((await registry.get('search').take('a')).allowed)
  t.ok((await registry.get('login').take('a')).allowed)
})

test('a name is given once; the limiter that has it stays', async (t) => {
  const registry = registryOf('login')
  const first = registry.get('login')
  t.throws(() => registry.add('login', []), {
    code: 'FST_FLOODGATE_DUPLICATE',
    message: "a limiter called 'login' is already there",
  })
  t.equal(registry.get('login'), first)
})

test('an unknown name is refused with the nearest known one and all others', async (t) => {
  const registry = registryOf('default', 'login', 'search')
  const known = 'known: default, login, search'
  const cases: [unknown, string][] = [
    ['logn', `no limiter is called 'logn'; did you mean 'login'?; ${known}`],
    ['Search', `no limiter is called 'Search'; did you mean 'search'?; ${known}`],
    ['something else entirely', `no limiter is called 'something else entirely'; ${known}`],
    [undefined, `no limiter is called undefined; ${known}`],
    [{}, `no limiter is called an object; ${known}`],
  ]
  for (const [name, message] of cases) {
    t.throws(() => registry.get(name as string), { code: 'FST_FLOODGATE_UNKNOWN_LIMITER', message })
  }
})

test('names of the object prototype are names like others', async (t) => {
  const registry = registryOf('default')
  for (const name of ['constructor', '__proto__', 'toString']) {
    t.notOk(registry.has(name))
    t.throws(() => registry.get(name), { code: 'FST_FLOODGATE_UNKNOWN_LIMITER' })
  }
})

import fc from 'fast-check'
import { test } from 'tap'
import { ipKey, Networks } from '../../lib/address/index.js'
import { bytesInUse } from '../store/memory/bytes.js'

test('the key of any address is that of ipKey, also when it is asked for again', (t) => {
  const networks = new Networks(56)
  const address = fc.option(
    fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constantFrom('', 'fe80::1%eth0', '[::1]:80')),
    {
      nil: undefined,
    },
  )
  fc.assert(
    fc.property(address, (ip) => {
      for (let i = 0; i < 2; i++) if (networks.keyOf(ip) !== ipKey(ip, 56)) return false
      return true
    }),
  )
  t.end()
})

test('100,000 addresses, and long texts of proxies, leave the memory of the last ones only', async (t) => {
  const networks = new Networks(64)
  const flood = (from: number) => {
    for (let i = from; i < from + 100_000; i++) {
      const ip = `2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::1`
      if (networks.keyOf(ip) !== ipKey(ip)) return ip
      if (i % 10 === 0) networks.keyOf(`${ip}${' x'.repeat(2000)}`)
    }
    return 'all'
  }
  t.equal(flood(0), 'all')
  const before = await bytesInUse()
  t.equal(flood(100_000), 'all')
  const grown = (await bytesInUse()) - before
  t.ok(grown < 4 * 2 ** 20, `${grown} bytes`)
  t.equal(networks.keyOf('::1'), '::/64')
})

for (const [text, key] of [
  ['2001:DB8::1', '2001:db8::/64'],
  ['2001:db8::1/64', '2001:db8::/64'],
  ['2001:db8::/32', '2001:db8::/64'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  [' 10.0.0.1', '10.0.0.1'],
  ['10.0.0.0/8', '10.0.0.0'],
  ['[2001:db8::1]:443', '2001:db8::/64'],
  ['10.0.0.1:443', '10.0.0.1'],
  ['10.0.0.1', null],
  ['2001:db8::/64', null],
  ['64:ff9b:1:2::c000:201/128', null],
  ['unknown', null],
  ['acme/1', null],
  ['', null],
] as const)
  test(`who means '${text}' by a client means ${key ?? 'just that'}`, (t) => {
    t.equal(new Networks(64).corrected(text), key)
    t.end()
  })

import { test } from 'tap'
import { ipKey } from '../../lib/address/index.js'

const KEYS: [string, string | undefined, number, string][] = [
  ['IPv4 is its own key', '192.0.2.1', 64, '192.0.2.1'],
  ['IPv4 loses the port that a proxy wrote', '192.0.2.1:443', 64, '192.0.2.1'],
  ['IPv6 is its /64', '2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
  ['IPv6 loses brackets and port', '[2001:db8:1:2:3:4:5:6]:443', 64, '2001:db8:1:2::/64'],
  ['IPv6 loses brackets alone', '[2001:db8:1:2:3:4:5:6]', 64, '2001:db8:1:2::/64'],
  ['upper case and leading zeros are the same address', '2001:0DB8:0001:0002::F', 64, '2001:db8:1:2::/64'],
  ['the loopback is a network like others', '::1', 64, '::/64'],
  ['a zone id is no part of the network', 'fe80::1%eth0', 64, 'fe80::/64'],
  ['IPv4-mapped is IPv4', '::ffff:192.0.2.1', 64, '192.0.2.1'],
  ['IPv4-mapped in hexadecimal is IPv4', '::FFFF:C000:0201', 64, '192.0.2.1'],
  ['IPv4-mapped is never masked', '::ffff:192.0.2.1', 1, '192.0.2.1'],
  ['IPv4-mapped with brackets and port is IPv4', '[::ffff:192.0.2.1]:8080', 64, '192.0.2.1'],
  ['IPv4-compatible is IPv6 like any other', '::10.0.0.1', 64, '::/64'],
  ['IPv4-compatible is not the IPv4 client, whatever the prefix', '::10.0.0.1', 128, '::a00:1/128'],
  ['IPv4-compatible in hexadecimal is IPv6', '::a00:1', 128, '::a00:1/128'],
  ['IPv4-compatible with brackets and port is IPv6', '[::10.0.0.1]:80', 128, '::a00:1/128'],
  ['NAT64 is the IPv4 client behind it', '64:ff9b::192.0.2.1', 64, '192.0.2.1'],
  ['NAT64 in hexadecimal is IPv4', '64:FF9B::c000:201', 64, '192.0.2.1'],
  ['NAT64 with brackets and port is IPv4', '[64:ff9b::c000:201]:443', 64, '192.0.2.1'],
  ['SIIT is the IPv4 client behind it', '::ffff:0:192.0.2.1', 64, '192.0.2.1'],
  ['SIIT in hexadecimal is IPv4', '::ffff:0:c000:201', 64, '192.0.2.1'],
  ['an address that only begins like NAT64 is IPv6', '64:ff9b::1:c000:201', 64, '64:ff9b::/64'],
  [
    'NAT64 of a network of its own is counted whole',
    '64:ff9b:1:2::c000:201',
    64,
    '64:ff9b:1:2::c000:201/128',
  ],
  ['the prefix after that of local NAT64 is IPv6', '64:ff9b:2::c000:201', 64, '64:ff9b:2::/64'],
  ['a prefix of 128 counts each address', '2001:db8::1', 128, '2001:db8::1/128'],
  ['a prefix of 127 counts pairs', '2001:db8::3', 127, '2001:db8::2/127'],
  ['a prefix of 56 cuts inside a group', '2001:db8:1:2ff::1', 56, '2001:db8:1:200::/56'],
  ['a prefix of 48', '2001:db8:1:2::1', 48, '2001:db8:1::/48'],
  ['a prefix of 33', '2001:db8:ffff::1', 33, '2001:db8:8000::/33'],
  ['a prefix of 1', 'ffff::1', 1, '8000::/1'],
  ['what is no address stays itself', 'unix:', 64, 'unix:'],
  ['garbage stays itself', 'not an address', 64, 'not an address'],
  ['no address at all is one unknown client', undefined, 64, 'unknown'],
  ['an empty address is the unknown client', '', 64, 'unknown'],
]

for (const [holds, ip, prefix, key] of KEYS) {
  test(`as a key ${holds}`, (t) => {
    t.equal(ipKey(ip, prefix), key)
    t.end()
  })
}

test('what is no prefix, or no address, is an error that says what is allowed', (t) => {
  for (const prefix of [0, 129, -1, 1.5, Number.NaN, '64', null])
    t.throws(() => ipKey('192.0.2.1', prefix as number), {
      code: 'FST_FLOODGATE_OPTION',
      message: /option 'prefix' is .* an integer from 1 to 128/,
    })
  for (const ip of [5, null, {}])
    t.throws(() => ipKey(ip as string), { code: 'FST_FLOODGATE_OPTION', message: /option 'ip' is/ })
  t.end()
})

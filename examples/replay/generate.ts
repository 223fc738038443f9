// Writes a day of a small shop as an access log, the same one each time:
//
//     node --import=tsx examples/replay/generate.ts > access.log
//
// People browse, some of them behind one address of an office; crawlers and a monitor ask at a steady pace; a
// scraper takes all products; and forty addresses try passwords. `access.log.gz` beside this file is its
// output. All addresses are of ranges that nobody has (RFC 2544, RFC 3849, RFC 5737).

import { argv, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'

const DAY = Date.UTC(2026, 2, 2)
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const BROWSERS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.2 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0',
]
const ASSETS = ['/app.css', '/app.js', '/logo.svg', '/font.woff2', '/api/cart', '/api/session']

/** Random numbers from 0 up to 1, the same ones each time (mulberry32). */
let state = 20_260_302
function random(): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const below = (end: number) => Math.floor(random() * end)
const pick = <T>(list: readonly T[]) => list[below(list.length)]

/** Bytes of a response: a file has the same size each time. */
function sizeOf(request: string): number {
  return (
    300 + (([...request].reduce((sum, char) => Math.imul(sum, 31) + char.charCodeAt(0), 7) >>> 0) % 20_000)
  )
}

interface Hit {
  readonly at: number
  readonly line: string
}

const hits: Hit[] = []

function hit(at: number, ip: string, request: string, status: number, agent: string, referer = '-'): void {
  const time = new Date(at).toUTCString()
  const stamp = `${time.slice(5, 16).replaceAll(' ', '/')}:${time.slice(17, 25)} +0000`
  const bytes = status === 200 ? sizeOf(request) : 150
  hits.push({ at, line: `${ip} - - [${stamp}] "${request}" ${status} ${bytes} "${referer}" "${agent}"` })
}

/** A moment of the day: few at night, most in the evening. */
function waking(): number {
  for (;;) {
    const hour = random() * 24
    if (random() < 0.08 + 0.92 * Math.max(0, Math.sin(((hour - 6) / 18) * Math.PI)) ** 1.5)
      return DAY + hour * HOUR
  }
}

/** A page, and at once what it is made of. */
function page(at: number, ip: string, path: string, agent: string, isFirst: boolean): void {
  hit(at, ip, `GET ${path} HTTP/2.0`, 200, agent)
  const parts = isFirst ? ASSETS : ASSETS.slice(4)
  for (const part of parts)
    hit(at + 50 + below(400), ip, `GET ${part} HTTP/2.0`, 200, agent, `https://shop.example${path}`)
}

function visit(ip: () => string, start: number): void {
  const agent = pick(BROWSERS)
  const pages = 1 + below(6)
  for (let i = 0, at = start; i < pages && at < DAY + 24 * HOUR; i++, at += (5 + below(60)) * SECOND)
    page(at, ip(), i === 0 ? '/' : `/products/${below(800)}`, agent, i === 0)
}

function people(): void {
  for (let i = 0; i < 430; i++) {
    const address = `198.18.${below(256)}.${1 + below(254)}`
    visit(() => address, waking())
  }
  // IPv6 clients take another address of their network again and again.
  for (let i = 0; i < 90; i++) {
    const network = `2001:db8:${below(0xffff).toString(16)}:${below(0xffff).toString(16)}`
    visit(() => `${network}::${(1 + below(0xfffe)).toString(16)}`, waking())
  }
  // Forty people of one office, who share an address, and come back from lunch.
  for (let i = 0; i < 90; i++) visit(() => '192.0.2.40', DAY + (9 + random() * 8) * HOUR)
  for (let i = 0; i < 12; i++) visit(() => '192.0.2.40', DAY + 13 * HOUR + below(90) * SECOND)
}

function crawlers(): void {
  const bots = [
    ['203.0.113.10', 'ExampleBot/2.1 (+https://search.example/bot)', 90],
    ['203.0.113.11', 'ExampleBot/2.1 (+https://search.example/bot)', 120],
    ['203.0.113.66', 'PreviewBot/1.0', 300],
  ] as const
  for (const [ip, agent, seconds] of bots)
    for (let at = DAY; at < DAY + 24 * HOUR; at += seconds * (0.5 + random()) * SECOND)
      hit(at, ip, `GET /products/${below(800)} HTTP/1.1`, random() < 0.03 ? 404 : 200, agent)
  for (let at = DAY; at < DAY + 24 * HOUR; at += MINUTE)
    hit(at, '192.0.2.9', 'GET /health HTTP/1.1', 200, 'Monitor/3')
}

/** Three a second for twenty minutes, from two addresses. */
function scraper(): void {
  for (let at = DAY + 3.2 * HOUR; at < DAY + 3.55 * HOUR; at += (0.2 + 0.27 * random()) * SECOND)
    hit(
      at,
      pick(['203.0.113.200', '203.0.113.201']),
      `GET /products/${below(800)} HTTP/1.1`,
      200,
      'python-requests/2.32.5',
    )
}

/** Forty addresses try passwords for twenty minutes, each every few seconds. */
function attack(): void {
  for (let i = 0; i < 40; i++) {
    const ip = `198.51.100.${10 + i * 5}`
    for (
      let at = DAY + 20.5 * HOUR + below(120) * SECOND;
      at < DAY + 20.85 * HOUR;
      at += (4 + 16 * random()) * SECOND
    )
      hit(at, ip, 'POST /login HTTP/1.1', random() < 0.002 ? 200 : 401, BROWSERS[2])
  }
}

/** People who log in: some need a second try. */
function logins(): void {
  for (let i = 0; i < 90; i++) {
    const ip = `198.18.${below(256)}.${1 + below(254)}`
    let at = waking()
    const tries = random() < 0.8 ? 1 : 2 + below(2)
    for (let nth = 1; nth <= tries; nth++, at += (6 + below(15)) * SECOND)
      hit(
        at,
        ip,
        'POST /login HTTP/2.0',
        nth === tries ? 200 : 401,
        pick(BROWSERS),
        'https://shop.example/login',
      )
  }
}

/** What servers write about clients that do not speak HTTP, and a line that a full disk has cut. */
function noise(): void {
  for (let i = 0; i < 5; i++) hit(waking(), `203.0.113.${120 + i}`, '\\x16\\x03\\x01\\x02', 400, '-')
  hits.push({ at: DAY + 11 * HOUR, line: '198.18.7.7 - - [02/Mar/2026:11:00:0' })
}

/** The lines of the log. */
export function sampleLines(): string[] {
  for (const write of [people, crawlers, scraper, attack, logins, noise]) write()
  return hits.sort((a, b) => a.at - b.at).map(({ line }) => line)
}

if (argv[1] === fileURLToPath(import.meta.url)) stdout.write(`${sampleLines().join('\n')}\n`)

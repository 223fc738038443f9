/** Lines of a part. */
const PART = 10_000
const DAY = 86_400_000
const START = Date.UTC(2026, 2, 2)
const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36'

/**
 * A day of a combined log, in parts of some lines, the same each time. A few of the clients send most of the
 * requests, as everywhere, and every client sends some.
 */
export function* logLines(lines, clients) {
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  for (let from = 0; from < lines; from += PART) {
    let part = ''
    for (let i = from; i < Math.min(lines, from + PART); i++) {
      // Each client once, so that the number of keys is known, and then mostly those with small numbers.
      const client = i < clients ? i : Math.floor(random() ** 3 * clients)
      const ip = `198.${18 + (client >> 16)}.${(client >> 8) & 255}.${client & 255}`
      const time = new Date(START + Math.floor((i * DAY) / lines)).toUTCString()
      const stamp = `${time.slice(5, 16).replaceAll(' ', '/')}:${time.slice(17, 25)} +0000`
      const path = `/products/${i % 977}?page=${i % 7}`
      part += `${ip} - - [${stamp}] "GET ${path} HTTP/1.1" 200 ${i % 50_000} "https://shop.example/products" "${AGENT}"\n`
    }
    yield part
  }
}

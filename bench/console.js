// What the console costs: a request while no page is open, the samples of its history, and pages that are
// open: `node bench/console.js`, or a part of it with `--only=pages`.
import { get } from 'node:http'
import { build } from './lib/build.js'
import { Lane } from './lib/lanes.js'
import { only, quick } from './lib/options.js'
import { interleave, median } from './lib/rounds.js'

const ROUNDS = quick ? 5 : 15
const CHUNKS = quick ? 60 : 120
const SECONDS = quick ? 5 : 20
const PAGES = 100
const folder = build()

/** CPU ns of an allowed request, without a console and with one that nobody looks at. */
async function requests() {
  const settings = { build: folder, by: 'header', outcome: 'allowed' }
  const lanes = []
  for (const name of ['bare', 'floodgate', 'console'])
    lanes.push(await Lane.open('http', name, { ...settings, name }))
  const slice = (lane) => lane.ask('slice', { chunks: CHUNKS })
  await interleave(lanes, 3, slice)
  const answers = await interleave(lanes, ROUNDS, slice)
  for (const lane of lanes) await lane.close()
  for (const [name, slices] of answers)
    console.log(`an allowed request, ${name}: ${Math.round(median(slices.map(({ cpu }) => cpu)))} ns of CPU`)
}

/** Opens a stream, and reads it as a page does. */
function open(address) {
  return new Promise((resolve, reject) => {
    const request = get(`${address}/limits/api/stream`, { agent: false }, (answer) => {
      answer.resume()
      resolve(request)
    })
    request.on('error', reject)
  })
}

async function pages(limiters) {
  const lane = new Lane('console', 'console', [])
  const address = await lane.ask('setup', { build: folder, limiters })
  await lane.ask('use', { seconds: SECONDS })
  const without = []
  const withPages = []
  for (let round = 0; round < 3; round++) {
    without.push(await lane.ask('use', { seconds: SECONDS }))
    const opened = await Promise.all(Array.from({ length: PAGES }, () => open(address)))
    await lane.ask('use', { seconds: 2 })
    withPages.push(await lane.ask('use', { seconds: SECONDS }))
    for (const request of opened) request.on('error', () => {}).destroy()
    await lane.ask('use', { seconds: 1 })
  }
  const percent = (share) => `${(share * 100).toFixed(2)} %`
  const added = withPages.map((share, i) => share - without[i])
  console.log(`${limiters} limiters, no page: ${percent(median(without))} of a core, decisions and samples`)
  console.log(`${limiters} limiters, ${PAGES} pages: ${percent(median(added))} of a core more`)
  const ms = await lane.ask('sample', { build: folder, times: 500 })
  console.log(
    `${limiters} limiters, a sample of the history: ${ms.toFixed(3)} ms each 5 s, ${percent(ms / 5000)}`,
  )
  await lane.close()
}

if ('requests'.includes(only)) await requests()
if ('pages'.includes(only)) for (const limiters of [20, 200]) await pages(limiters)

// A bot on several platforms, without HTTP: at most 3 commands in any 10 seconds for each key.
//
//     node --import=tsx examples/bot-commands/bot.ts
import { createLimiter, memoryStore, retryAfterSeconds } from '../../lib/index.js'

// The conversation below has its own clock, so that it ends at once. Your bot leaves `store` out.
let second = 0
const store = memoryStore({ clock: { now: () => second * 1000 } })

const commands = createLimiter(
  { name: 'commands', algorithm: 'sliding-window', rate: 3, per: '10 seconds' },
  { store },
)

/** Returns null if `key` may go on, or else the seconds to wait. */
function check(key: string): [allowed: boolean, retryAfterSeconds: number] {
  const decision = commands.take(key)
  return decision.allowed ? [true, 0] : [false, retryAfterSeconds(decision.retryAfter) ?? Infinity]
}

const conversation: [second: number, key: string, command: string][] = [
  [0, 'slack:U42', '/help'],
  [2, 'slack:U42', '/status'],
  [4, 'slack:U42', '/status'],
  [5, 'slack:U42', '/status'], // the fourth in 10 seconds
  [5, 'telegram:U42', '/status'], // the same id on another platform is another user
  [5, 'api:billing', 'export'],
  [6, 'global:refresh', '/refresh'], // one key for all users
  [6, 'global:refresh', '/refresh'],
  [7, 'global:refresh', '/refresh'],
  [7, 'global:refresh', '/refresh'],
  [9, 'slack:U42', '/status'], // denials cost nothing: it still waits for the command at 0
  [10, 'slack:U42', '/status'], // the command at 0 has left the window
  [11, 'slack:U42', '/status'], // the command at 2 has not
]

for (const [at, key, command] of conversation) {
  second = at
  const [allowed, wait] = check(key)
  const answer = allowed ? 'done' : `try again in ${wait} s`
  console.log(`${String(at).padStart(2)} s  ${key.padEnd(14)}  ${command.padEnd(8)}  ${answer}`)
}

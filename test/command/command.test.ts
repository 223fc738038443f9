import { test } from 'tap'
import { runCommand } from '../../lib/command/index.js'
import { run } from '../replay/cli/support.js'
import { streamOf } from '../replay/support.js'

test('without a command, or with an unknown one, the commands are listed', async (t) => {
  const usage = /Usage: fastify-floodgate <command> \[arguments\]\n\n {2}replay {4}reads access logs/
  t.match(await run([]), { code: 2, stdout: '', stderr: usage })
  t.match(await run(['reply']), { code: 2, stderr: /no command is called 'reply'\n\nUsage/ })
  for (const help of ['help', '--help', '-h'])
    t.match(await run([help]), { code: 0, stdout: usage, stderr: '' })
})

test('a mistake of ours shows its place', async (t) => {
  const printed: string[] = []
  const output = { write: (text: string) => printed.push(text) }
  const broken = { name: 'x', summary: '', run: () => Promise.reject(new TypeError('broken')) }
  const io = { stdin: streamOf(''), stdout: output, stderr: output, env: {} }
  t.equal(await runCommand([broken], ['x'], io), 2)
  t.match(printed.join(''), /^TypeError: broken\n +at /)
})

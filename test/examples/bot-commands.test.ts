import { test } from 'tap'
import { Child } from './child.js'

test('the bot counts each key by itself, exactly, and ends', async (t) => {
  const child = new Child('examples/bot-commands/bot.ts')
  t.teardown(() => child.stop())
  t.same(await child.ended, { code: 0, signal: null })
  t.equal(child.stderr, '')
  t.same(child.stdout.trimEnd().split('\n'), [
    ' 0 s  slack:U42       /help     done',
    ' 2 s  slack:U42       /status   done',
    ' 4 s  slack:U42       /status   done',
    ' 5 s  slack:U42       /status   try again in 5 s',
    ' 5 s  telegram:U42    /status   done',
    ' 5 s  api:billing     export    done',
    ' 6 s  global:refresh  /refresh  done',
    ' 6 s  global:refresh  /refresh  done',
    ' 7 s  global:refresh  /refresh  done',
    ' 7 s  global:refresh  /refresh  try again in 9 s',
    ' 9 s  slack:U42       /status   try again in 1 s',
    '10 s  slack:U42       /status   done',
    '11 s  slack:U42       /status   try again in 1 s',
  ])
})

import { BLOCK_KEY } from './block.js'
import { DEADLINE } from './deadline.js'

/**
 * The frame of the script: it runs the calls of a batch at one instant. Writes fail only where the first of
 * them fails, such as with OOM, so that nothing is left half done.
 *
 * - KEYS: the keys of the batch, each once: those of simple takes, other token buckets, windows and offences.
 * - ARGV[1]: see `deadline.ts`.
 * - ARGV[2]: numbers: how many keys are those of token buckets; the time in whole microseconds, in tests
 *   only: else 0, and the time is that of the server. Then the simple takes, which charge one token bucket
 *   each, in runs: what a take costs in ticks, tolerance and resolution of the law, how many takes of a key
 *   there are, one after the other, what they add to a tat in whole microseconds (0 if those are not whole),
 *   the units that would be leased in addition, the interval, and the number of keys.
 * - ARGV[3]: the calls that are not simple, if there are any, as JSON: [laws, calls]. They run after the
 *   simple takes, and may touch the same keys. A law is [0, interval, tolerance, resolution] or
 *   [1, rate, window], and where denials block, the numbers of `block.ts` follow. A call is: verb, number of
 *   charges, then of each charge: law, key, cost, and the cost it is judged by. Instead of the last two: of a
 *   refund the cost and `chargedAt`, or -1; of a release ticks and the mark; of a block the key of its
 *   offences, or 0, and the length of a block in place of all that the key has, or -1 for the next one of the
 *   law, unless the key is blocked; of a reset the key of its offences, or 0. Keys count from 1.
 * - Reply: the time, negative where nothing was done, as it was too late. Then of each key of simple takes
 *   the ticks owed before the first of them, and the units leased where some were wanted; then of each charge
 *   that was judged or released what its twin says, and of each that was blocked the microseconds until its
 *   end.
 */
export const HEAD = `
local call, floor, ceil, min, format = redis.call, math.floor, math.ceil, math.min, string.format
local bucketKeys, now, runs = string.match(ARGV[2], '^(%d+) (%d+)(.*)$')
bucketKeys, now = bucketKeys * 1, now * 1
if now == 0 then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end${DEADLINE}local out, o = { now }, 1
`

export const BODY = `
local program = cjson.decode(ARGV[3])
local laws, calls = program[1], program[2]
local TAKE, REFUND, RESET, RELEASE, BLOCK = 1, 3, 4, 5, 6
local i, last = 1, #calls
while i <= last do
  local verb, charges = calls[i], calls[i + 1]
  local first, final = i + 2, i + 1 + charges * 4
  local allowed = true
  for c = first, final, 4 do
    local law, key, cost, extra = laws[calls[c]], calls[c + 1], calls[c + 2], calls[c + 3]
    local twin = twins[law[1]]
    if verb == REFUND then
      twin.refund(law, key, cost, extra)
    elseif verb == RESET then
      twin.forget(key)
      if cost > 0 then call('DEL', KEYS[cost]) end
    elseif verb == RELEASE then
      twin.release(law, key, cost, extra)
    elseif verb == BLOCK then${BLOCK_KEY}    elseif not twin.judge(law, key, extra) then
      allowed = false
    end
  end
  if allowed and verb == TAKE then
    for c = first, final, 4 do
      local law = laws[calls[c]]
      twins[law[1]].charge(law, calls[c + 1], calls[c + 2])
    end
  end
  i = final + 1
end
twins[0].flush()
twins[1].flush()
return out
`

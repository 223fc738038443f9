import { GO } from '../signal.js'

/**
 * The frame of the script: it runs the calls of a batch at one instant. Writes fail only where the first of them fails, such as
 * with OOM, so that nothing is left half done.
 *
 * KEYS: the keys of the batch, each once: those of simple takes, those of other calls to token buckets, those of windows.
 * ARGV[1]: `GO`; anything else where the caller has given up meanwhile: then nothing happens, and the reply is empty.
 * ARGV[2]: the time in whole microseconds, in tests only; else empty, and the time is that of the server.
 * ARGV[3]: the number of keys of token buckets.
 * ARGV[4]: the calls that are not simple, as JSON: [laws, calls]; empty if there are none. A law is [0, interval, tolerance, resolution]
 * or [1, rate, window]. A call is: verb, number of charges, then of each charge: law, key, cost, and the cost it is judged by (of a
 * refund: the stamp, or -1). Keys count from 1 among all keys, and from -1 downwards among the windows. A lease ends with the units it
 * would like in addition.
 * ARGV[5] and on: the simple takes, each of which charges one token bucket that no other call of the batch touches, in runs: interval,
 * tolerance and resolution of the law, the cost, and the number of keys.
 * Reply: the time, then of each simple take and each charge that was judged what its twin says, then of a lease the units granted
 * in addition.
 */
export const HEAD = `
if ARGV[1] ~= '${GO}' then return {} end
local call, floor, ceil, min, max = redis.call, math.floor, math.ceil, math.min, math.max
local format, pack, unpackBytes = string.format, struct.pack, struct.unpack
local now = tonumber(ARGV[2])
if not now then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end
local bucketKeys = tonumber(ARGV[3])
local out, o = { now }, 1
`

export const BODY = `
local program = cjson.decode(ARGV[4])
local laws, calls = program[1], program[2]
local TAKE, PEEK, REFUND, RESET, LEASE = 1, 2, 3, 4, 5
local i, last = 1, #calls
while i <= last do
  local verb, charges = calls[i], calls[i + 1]
  local first, final = i + 2, i + 1 + charges * 4
  local allowed = true
  for c = first, final, 4 do
    local law, key, cost, extra = laws[calls[c]], calls[c + 1], calls[c + 2], calls[c + 3]
    if key < 0 then
      key = bucketKeys - key
      calls[c + 1] = key
    end
    local twin = twins[law[1]]
    if verb == REFUND then
      twin.refund(law, key, cost, extra)
    elseif verb == RESET then
      twin.forget(key)
    elseif not twin.judge(law, key, extra) then
      allowed = false
    end
  end
  if allowed and (verb == TAKE or verb == LEASE) then
    for c = first, final, 4 do
      local law = laws[calls[c]]
      twins[law[1]].charge(law, calls[c + 1], calls[c + 2])
    end
  end
  i = final + 1
  if verb == LEASE then
    local law = laws[calls[first]]
    say(allowed and twins[law[1]].lease(law, calls[first + 1], calls[i]) or 0)
    i = i + 1
  end
end
twins[0].flush()
twins[1].flush()
return out
`

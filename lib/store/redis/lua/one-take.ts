import { DEADLINE } from './deadline.js'

/**
 * How the script begins: one take from one token bucket, as most calls are when there is little to do, with
 * as few steps as can be, for on a key alone they are what a call costs. Whatever is not plain (a value with
 * a rest or a lease, or none of ours; a clock that stepped back) is left to what follows, which does the same
 * for any calls.
 *
 * ARGV[1] is explained in `deadline.ts`, ARGV[2] in `batch.ts`.
 *
 * What is cheap in Lua: arithmetic to read a number, not `tonumber`; captured text where text is wanted, not
 * `format`; GET, not MGET, of one key; no function where none is called; `%d`, which cuts off the fraction,
 * not `ceil`.
 */
export const ONE_TAKE = `
local now, due, tolerance = string.match(ARGV[2], '^1 (%d+) ([1-9]%d*) (%d+) 1 1 %d+ 0 %d+ 1$')
if due and not ARGV[3] then
  now = now * 1
  if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
  end${DEADLINE}  local key = KEYS[1]
  local value = redis.pcall('GET', key)
  local tat = 0
  if value then tat = tonumber(value) end
  if tat then
    tolerance = tolerance * 1
    local owed = tat - now
    if not (owed > 0) then owed = 0 end
    if owed + due <= tolerance then
      if owed == 0 then
        tat = now + due
        redis.call('SET', key, string.format('%d', tat), 'PXAT', string.format('%d', (tat + 999) / 1000))
        return { now, owed }
      end
      tat = tat + due
      if redis.pcall('INCRBY', key, due) == tat then
        redis.call('PEXPIREAT', key, string.format('%d', (tat + 999) / 1000))
        return { now, owed }
      end
    elseif owed <= tolerance then
      return { now, owed }
    end
  end
end
`

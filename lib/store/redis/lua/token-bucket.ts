import { readBlock } from './block.js'

/**
 * The twin of `policy/token-bucket.ts`. A key holds its tat as text: whole microseconds since 1970, and,
 * where the law counts finer, `:` and the ticks beyond them; where units are leased, `:` and the microsecond
 * in which the last of their slots ends (see `leases.ts`). It is worked on as `owed`, the ticks from now
 * until the tat, so that numbers stay below 2^53 whatever the resolution. The key expires in the millisecond
 * in which the bucket is full. The tolerance of a law includes its patience: what a call is held for is owed
 * like any other unit.
 *
 * Says of each charge: `owed` before the call, or of a blocked key the microseconds until the block ends,
 * negative; of a release: the ticks that came back, 0 if others lease units above it. The caller has the same
 * law and derives the verdict.
 */
export const TOKEN_BUCKET = `
local stored = {}
if bucketKeys == 1 then
  local value = redis.pcall('GET', KEYS[1])
  -- A value of another type is not ours, and counts as nothing, as with MGET. Any other error is a failure of
  -- the store.
  if type(value) == 'table' and not string.find(value.err, '^WRONGTYPE') then return value end
  stored[1] = type(value) == 'string' and value
elseif bucketKeys > 0 then
  stored = call('MGET', unpack(KEYS, 1, bucketKeys))
end
if not ARGV[3] then
  -- A table of the size that it will have grows no more.
  out = { now, unpack(stored, 1, bucketKeys) }
end

-- The ticks that a stored value owes, or of a blocked key the microseconds until the block ends, negative;
-- whether that is more than a bucket can owe, because the clock stepped back (it then counts as just
-- emptied); and the ticks of it that are not to be given back, as somebody may hold them.
local function owedBy(value, tolerance, resolution, name)
  if not value then return 0, false, 0 end
  local tat, rest, leased = tonumber(value), 0, 0
  if not tat then
    tat, rest, leased = string.match(value, '^(%d+):(%d+):?(%d*)$')
    if not tat then${readBlock('value', 'name')}      return left and -left or 0, false, 0
    end
    tat, rest, leased = tonumber(tat), tonumber(rest), tonumber(leased) or 0
  end
  local owed = (tat - now) * resolution + rest
  if not (owed > 0) then return 0, false, 0 end
  if leased > now then leased = min(owed, (leased - now) * resolution) else leased = 0 end
  if owed > tolerance then return tolerance, true, min(leased, tolerance) end
  return owed, false, leased
end

-- Most keys of a batch that are written owe the same, as those whose bucket was full do.
local lastOwed, lastResolution, lastLeased, lastValue, lastExpiry
local function keep(name, resolution, owed, leased)
  if owed ~= lastOwed or resolution ~= lastResolution or leased ~= lastLeased then
    local rest = owed % resolution
    local tat = now + (owed - rest) / resolution
    lastOwed, lastResolution, lastLeased = owed, resolution, leased
    if rest == 0 and leased == 0 then
      lastValue = format('%d', tat)
      lastExpiry = format('%d', ceil(tat / 1000))
    else
      lastValue = format('%d:%d', tat, rest)
      if leased > 0 then lastValue = lastValue .. format(':%d', now + ceil(leased / resolution)) end
      lastExpiry = format('%d', ceil((tat + 1) / 1000))
    end
  end
  call('SET', name, lastValue, 'PXAT', lastExpiry)
end

local key, names, pcall, tonumber = 0, KEYS, redis.pcall, tonumber
local RUN = '(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)'
for due, tolerance, resolution, times, step, wanted, interval, keys in string.gmatch(runs, RUN) do
  due, tolerance, resolution, times, wanted = due * 1, tolerance * 1, resolution * 1, times * 1, wanted * 1
  local from, all = key + 1, due * times
  -- What may be added, if nothing is leased.
  local added = wanted == 0 and step * 1 or 0
  key = key + keys
  local slack = tolerance - all
  for k = from, key do
    local value = stored[k]
    local tat = value and tonumber(value)
    local owed = tat and (tat - now) * resolution
    local sum = added > 0 and owed and owed > 0 and owed <= slack and pcall('INCRBY', names[k], step)
    o = o + 1
    if sum and sum == tat + added then
      -- A key that is there costs less to be added to than to be written again.
      out[o] = owed
      stored[k] = tat + added
      call('PEXPIREAT', names[k], format('%d', (tat + added + 999) / 1000))
    else
      -- A text that tonumber can read and INCRBY cannot is written again.
      if type(sum) == 'table' and not string.find(sum.err, 'not an integer') then return sum end
      local healed, leased
      owed, healed, leased = owedBy(value, tolerance, resolution, names[k])
      out[o] = owed
      local total = owed < 0 and owed or owed + all
      if total > tolerance then total = owed + floor((tolerance - owed) / due) * due end
      if wanted > 0 then
        -- Units in addition: at most half of what is left to others.
        local units = owed < 0 and 0 or min(wanted, floor(floor((tolerance - total) / interval) / 2))
        if units > 0 then
          total = total + units * interval
          leased = total
        end
        o = o + 1
        out[o] = units
      end
      if healed or total > owed then
        keep(names[k], resolution, total, leased)
        stored[k] = lastValue
      end
    end
  end
end
if not ARGV[3] then return out end

local max, pack, unpackBytes = math.max, struct.pack, struct.unpack
local twins = {}
local function say(number)
  o = o + 1
  out[o] = number
end

do
  local owed, held, changed = {}, {}, {}

  local function load(law, key)
    local ticks = owed[key]
    if ticks then return ticks end
    local healed
    ticks, healed, held[key] = owedBy(stored[key], law[3], law[4], KEYS[key])
    owed[key] = ticks
    if healed then changed[key] = law end
    return ticks
  end

  local function set(law, key, ticks)
    owed[key] = ticks
    changed[key] = law
  end

  local twin = { load = load, owed = owed, held = held, changed = changed }
  twins[0] = twin

  function twin.judge(law, key, cost)
    local ticks = load(law, key)
    say(ticks)
    return ticks >= 0 and (cost == 0 or ticks + cost * law[2] <= law[3])
  end

  function twin.charge(law, key, cost)
    if cost > 0 then set(law, key, load(law, key) + cost * law[2]) end
  end

  function twin.refund(law, key, cost, chargedAt)
    local ticks = load(law, key)
    local due = min(cost * law[2], law[3])
    if chargedAt >= 0 then due = min(due, max(0, (chargedAt - now) * law[4])) end
    -- What lies below the end of the last lease stays where it is: somebody may hold units there.
    due = min(due, ticks - held[key])
    if ticks > 0 then set(law, key, max(ticks - due, 0)) end
  end

  -- The end of a lease comes back, as far as it is not past, and what was charged after it moves up. Only
  -- that of the last one can: what others hold lies below it, and stays where it is.
  function twin.release(law, key, unused, mark)
    local ticks = load(law, key)
    local leased = held[key]
    if leased == 0 or mark ~= now + ceil(leased / law[4]) then return say(0) end
    -- The mark is rounded up; where nothing lies above it, the bucket knows better.
    local ahead = ticks > leased and leased - law[4] + 1 or leased
    local due = min(unused, ahead)
    held[key] = leased - due
    set(law, key, ticks - due)
    say(due)
  end

  function twin.forget(key)
    call('DEL', KEYS[key])
    stored[key], owed[key], held[key], changed[key] = nil, nil, nil, nil
  end

  function twin.flush()
    for key, law in pairs(changed) do
      if owed[key] == 0 then call('DEL', KEYS[key]) else keep(KEYS[key], law[4], owed[key], min(held[key], owed[key])) end
    end
  end
end
`

import { readBlock } from './block.js'

/**
 * The twin of `policy/sliding-window.ts`. A key holds its ring in a string: a head of 26 bytes (start, count
 * and capacity, 4 bytes each; the newest instant and the skew, 7 bytes each), then 7 bytes for each slot:
 * whole microseconds since 1970, plus the skew, little-endian (good until the year 4253). Where the clock
 * stepped back the skew grows by that, so that the whole ring slides into the past with one write. A call
 * reads and writes a few slots, whatever the rate; a ring that is full is copied to one of twice the size, up
 * to the rate. The key expires in the millisecond in which its newest unit no longer counts.
 *
 * Says of each charge, before the call: the units that count, the microseconds until the oldest and until the
 * newest of them leaves, and those until the cost fits (0 where it fits, or never will). Of a blocked key the
 * first of these is the microseconds until the block ends, negative.
 */
export const SLIDING_WINDOW = `
do
  local HEAD, SLOT, GLANCE = 26, 7, 1023
  local rings, changed = {}, {}

  -- What is stored of the nth unit, 0 being the oldest. Small rings were read as a whole.
  local function slot(ring, nth)
    local at = HEAD + (ring.start + nth) % ring.capacity * SLOT
    local bytes, from = ring.bytes, at + 1
    if at + SLOT > #bytes then
      bytes, from = call('GETRANGE', ring.name, at, at + SLOT - 1), 1
      if #bytes < SLOT then return 0 end
    end
    return (unpackBytes('<I7', bytes, from))
  end

  -- How many of the units are not younger than an instant, as stored. The oldest are looked at first.
  local function countUntil(ring, instant)
    local low, high = 0, ring.count
    local step = 1
    while low < high do
      local at = min(low + step, high) - 1
      if slot(ring, at) > instant then
        high = at
        break
      end
      low = at + 1
      step = step * 2
    end
    while low < high do
      local middle = floor((low + high) / 2)
      if slot(ring, middle) <= instant then low = middle + 1 else high = middle end
    end
    return low
  end

  local function expire(ring, gone)
    if gone == 0 then return end
    ring.start = (ring.start + gone) % ring.capacity
    ring.count = ring.count - gone
  end

  local function load(law, key)
    local ring = rings[key]
    if ring then return ring end
    local name = KEYS[key]
    local bytes = redis.pcall('GETRANGE', name, 0, GLANCE)
    if type(bytes) == 'table' then
      -- A value of another type is not ours, and must not fail the other calls. Any other error is raised by
      -- asking again.
      if not string.find(bytes.err, '^WRONGTYPE') then call('GETRANGE', name, 0, GLANCE) end
      call('DEL', name)
      bytes = ''
    end
    ring = { name = name, bytes = bytes, start = 0, count = 0, capacity = 0, newest = 0, skew = 0, added = 0, law = law }
    rings[key] = ring
    local sound, start, count, capacity, newest, skew
    if #bytes > HEAD then
      start, count, capacity, newest, skew = unpackBytes('<I4I4I4I7I7', bytes)
      sound = start < capacity and count <= capacity and skew <= newest and newest < 2 ^ 53
        and HEAD + capacity * SLOT == (#bytes <= GLANCE and #bytes or call('STRLEN', name))
    end
    if not sound then${readBlock('bytes', 'name')}      ring.blocked = left
      return ring
    end
    ring.start, ring.count, ring.capacity, ring.newest, ring.skew = start, count, capacity, newest, skew
    if newest - skew > now then
      ring.skew = newest - now
      changed[key] = ring
    end
    local edge = now - law[3] + ring.skew
    if newest <= edge then ring.start, ring.count = 0, 0 else expire(ring, countUntil(ring, edge)) end
    return ring
  end

  -- The instant of the nth unit. Those that this call added follow the stored ones.
  local function instant(ring, nth)
    if nth < ring.count then return slot(ring, nth) - ring.skew end
    return now
  end

  local function read(ring, nth, units)
    if units == 0 then return '' end
    local first = (ring.start + nth) % ring.capacity
    local straight = min(units, ring.capacity - first)
    local at = HEAD + first * SLOT
    local bytes = call('GETRANGE', ring.name, at, at + straight * SLOT - 1)
    if straight == units then return bytes end
    return bytes .. call('GETRANGE', ring.name, HEAD, HEAD + (units - straight) * SLOT - 1)
  end

  local function write(ring, nth, bytes)
    if bytes == '' then return end
    local first = (ring.start + nth) % ring.capacity
    local straight = min(#bytes, (ring.capacity - first) * SLOT)
    call('SETRANGE', ring.name, HEAD + first * SLOT, string.sub(bytes, 1, straight))
    if straight < #bytes then call('SETRANGE', ring.name, HEAD, string.sub(bytes, straight + 1)) end
  end

  local function save(ring)
    local total = ring.count + ring.added
    if total == 0 then
      call('DEL', ring.name)
      return
    end
    if ring.added > 0 then ring.newest = now + ring.skew end
    local added = string.rep(pack('<I7', now + ring.skew), ring.added)
    local expires = format('%d', ceil((ring.newest - ring.skew + ring.law[3]) / 1000))
    if total > ring.capacity then
      local capacity = max(total, min(ring.law[2], max(8, ring.capacity * 2)))
      local head = pack('<I4I4I4I7I7', 0, total, capacity, ring.newest, ring.skew)
      local free = string.rep('\\0', (capacity - total) * SLOT)
      call('SET', ring.name, head .. read(ring, 0, ring.count) .. added .. free, 'PXAT', expires)
    else
      write(ring, ring.count, added)
      local head = pack('<I4I4I4I7I7', ring.start, total, ring.capacity, ring.newest, ring.skew)
      call('SETRANGE', ring.name, 0, head)
      call('PEXPIREAT', ring.name, expires)
    end
  end

  local twin = { load = load, rings = rings, changed = changed }
  twins[1] = twin

  function twin.judge(law, key, cost)
    local ring = load(law, key)
    if ring.blocked then
      say(-ring.blocked)
      for _ = 1, 3 do say(0) end
      return false
    end
    local rate, window = law[2], law[3]
    local used = ring.count + ring.added
    say(used)
    say(used > 0 and instant(ring, 0) + window - now or 0)
    say(ring.added > 0 and window or used > 0 and ring.newest - ring.skew + window - now or 0)
    if cost == 0 or used + cost <= rate then
      say(0)
      return true
    end
    say(cost > rate and 0 or instant(ring, used - 1 - (rate - cost)) + window - now)
    return false
  end

  function twin.charge(law, key, cost)
    if cost == 0 then return end
    local ring = load(law, key)
    ring.added = ring.added + cost
    changed[key] = ring
  end

  function twin.refund(law, key, cost, chargedAt)
    local ring = load(law, key)
    if ring.blocked then return end
    if ring.added > 0 then
      save(ring)
      rings[key], changed[key] = nil, nil
      ring = load(law, key)
    end
    local from, till = ring.count - min(cost, ring.count), ring.count
    if chargedAt >= 0 then
      till = countUntil(ring, chargedAt + ring.skew)
      from = max(till - cost, countUntil(ring, chargedAt + ring.skew - 1))
    end
    if from == till then return end
    write(ring, from, read(ring, till, ring.count - till))
    -- What was read at first may no longer be what is stored.
    ring.bytes = ''
    ring.count = ring.count - (till - from)
    if ring.count > 0 then ring.newest = slot(ring, ring.count - 1) end
    changed[key] = ring
  end

  function twin.forget(key)
    call('DEL', KEYS[key])
    rings[key], changed[key] = nil, nil
  end

  function twin.flush()
    for _, ring in pairs(changed) do save(ring) end
  end
end
`

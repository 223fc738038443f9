import { STOP } from '../clients/connection.js'

/** Entries of the log: a process that missed more reads all of the state. */
const MOST_ENTRIES = 500
/** Values of one entry: its stamp, the field, the value and the note. */
export const ENTRY = 4
/** Names that are remembered: a process that missed more forgets all that it remembers. */
export const MOST_NAMES = 10_000

const SECOND = 1_000_000
const DAY = 86_400 * SECOND
/** Microseconds for which a request for reports stands, and after which a report counts no more. */
const ASKED_FOR = 8 * SECOND
const REPORT_STANDS = 5 * SECOND
/** Microseconds for which names are remembered: six times as long as a denial in a deny cache. */
const NAMES_STAND = 60 * SECOND
/** Microseconds for which a state is kept in which nothing is in force. */
const EMPTY_STANDS = 7 * DAY

/** The ends of the names of all keys. They have the slot of the hash tag 0. */
const KEYS = ['state', 'log', 'names', 'count', 'asked', 'reports'] as const

export function fleetKeys(prefix: string): readonly string[] {
  return KEYS.map((key) => `${prefix}:{0}:fleet:${key}`)
}

/** The first value of a field that ends, or of an entry that only has a note. */
export const ENDED = ''
export const NOTE_ONLY = '-'

const HEAD = `
if string.byte(ARGV[1]) == ${STOP.charCodeAt(0)} then return false end
local STATE, LOG, NAMES, COUNT, ASKED, REPORTS = unpack(KEYS)
local call = redis.call
local time = call('TIME')
local now = time[1] * ${SECOND} + time[2]
local position = 1
local function take()
  position = position + 1
  return ARGV[position]
end
local function text(number) return string.format('%.0f', number) end
local function expire(key, after) call('PEXPIREAT', key, text(math.ceil((now + after) / 1000))) end
local known = take()
local stamp, born = unpack(call('HMGET', STATE, '#stamp', '#born'))
local function write()
  call('HSET', STATE, '#stamp', stamp, '#born', born)
  if call('HLEN', STATE) == 2 then expire(STATE, ${EMPTY_STANDS}) else call('PERSIST', STATE) end
  expire(LOG, ${DAY})
end
`

/**
 * What a process does once a second: it writes its changes, and reads what has changed since the last one
 * that it knows. The state is a hash. Its \`#stamp\` is the time of the last change, which grows with each
 * change, and \`#born\` that of the first. Where the server knows less than the process, because it restarted
 * empty or a replica took over, nothing is written and the process must \`RESTORE\` first.
 */
export const EXCHANGE = `${HEAD}
local follows = known ~= '-'
if not follows then known = '' end
local isLost = known ~= '' and (not stamp or stamp * 1 < known * 1 or born * 1 > known * 1)
local entries = take() * 1
for i = 1, entries do
  local field, value, note = take(), take(), take()
  if not isLost then
    stamp = text(math.max(now, (stamp or 0) + 1))
    born = born or stamp
    if value == '${ENDED}' then call('HDEL', STATE, field)
    elseif value ~= '${NOTE_ONLY}' then call('HSET', STATE, field, value) end
    call('RPUSH', LOG, stamp, field, value, note)
  end
end
for i = 1, take() * 1 do
  local field = take()
  if not isLost then call('HDEL', STATE, field) end
end
if entries > 0 and not isLost then
  call('LTRIM', LOG, ${-ENTRY * MOST_ENTRIES}, -1)
  write()
end
local how, fields, changes = 'same', {}, {}
if isLost then how = 'lost'
elseif follows and stamp and stamp ~= known then
  how = 'all'
  changes = call('LRANGE', LOG, 0, -1)
  for i = #changes - ${ENTRY - 1}, 1, ${-ENTRY} do
    if changes[i] == known then
      how = 'some'
      changes = { unpack(changes, i + ${ENTRY}) }
      break
    end
  end
  if how == 'all' then
    fields = call('HGETALL', STATE)
    for i = 3, #changes, ${ENTRY} do changes[i] = '${NOTE_ONLY}' end
  end
end

local names = take() * 1
local added = take() * 1
for i = 1, added do call('RPUSH', NAMES, take()) end
if names > 0 then
  call('INCRBY', COUNT, names)
  if added > 0 then call('LTRIM', NAMES, ${-MOST_NAMES}, -1) end
  expire(NAMES, ${NAMES_STAND})
  expire(COUNT, ${NAMES_STAND})
end
local seen = take()
local count = call('GET', COUNT) or '0'
local dropped, all = {}, ''
if seen ~= count then
  local missed = count - seen
  if missed > 0 and missed <= ${MOST_NAMES} then dropped = call('LRANGE', NAMES, -missed, -1) end
  if #dropped ~= missed then all = 'all' end
end

local asks = take() == '1'
if asks then
  call('SET', ASKED, '1')
  expire(ASKED, ${ASKED_FOR})
end
local published = take() * 1
for i = 1, published do
  local id, report = take(), take()
  if report == '' then call('HDEL', REPORTS, id) else call('HSET', REPORTS, id, text(now) .. ' ' .. report) end
end
if published > 0 then expire(REPORTS, ${REPORT_STANDS}) end
local reports = {}
if asks then
  local listed = call('HGETALL', REPORTS)
  for i = 1, #listed, 2 do
    local at, report = string.match(listed[i + 1], '^(%d+) (.*)$')
    if not at or now - at > ${REPORT_STANDS} then call('HDEL', REPORTS, listed[i])
    else
      reports[#reports + 1] = listed[i]
      reports[#reports + 1] = report
    end
  end
end
local asked = call('GET', ASKED) or ''
return { how, text(now), stamp or '', born or '', fields, changes, count, all, dropped, asked, reports }
`

/**
 * Gives back to the server what it lost, as of the last change that the process knows. Where others have
 * changed something since, that stands. Does nothing where somebody was faster.
 */
export const RESTORE = `${HEAD}
local origin = take()
if stamp and stamp * 1 >= known * 1 and born * 1 <= known * 1 then return {} end
local isYounger = stamp and born * 1 > known * 1
call('DEL', LOG)
if isYounger then stamp = text(math.max(now, stamp + 1))
else
  call('DEL', STATE)
  stamp = known
  call('RPUSH', LOG, stamp, '', '${NOTE_ONLY}', '')
end
born = origin
for i = position + 1, #ARGV, 2 do
  if not call('HMGET', STATE, ARGV[i])[1] then call('HSET', STATE, ARGV[i], ARGV[i + 1]) end
end
write()
return {}
`

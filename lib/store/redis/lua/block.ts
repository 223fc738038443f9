import { MOST_OFFENCES } from '../../../policy/index.js'

/**
 * Blocks. Whatever the law of a key, a block is its whole state: `B`, the microsecond in which it ends, `:`,
 * and the microseconds that it lasts. So a key that is not blocked costs nothing more, as its value is a
 * number or a ring. Where the clock stepped back, a block counts as just begun. The key expires in the
 * millisecond in which the block ends.
 *
 * The offences of a key, where each further block is longer, have a key of their own beside it: the number of
 * blocks that are not forgotten, `:`, and the microsecond in which they are.
 *
 * All of it is text and not functions, which each call would make, also those that find no block.
 */

/** Writes `text`, which holds until the microsecond `till`. */
function write(name: string, text: string): string {
  return `call('SET', ${name}, ${text}, 'PXAT', format('%d', ceil(till / 1000)))`
}

const writeBlock = (name: string) => write(name, "format('B%d:%d', till, left)")

/** Sets `left` to the microseconds for which a value says that its key is blocked; nil where it does not. */
export const readBlock = (value: string, name: string): string => `
      local till, left = string.match(${value}, '^B(%d+):(%d+)$')
      if till then
        till, left = till * 1, left * 1
        if left >= 2 ^ 53 or till <= now then
          left = nil
        elseif till - left > now then
          till = now + left
          ${writeBlock(name)}
        else
          left = till - now
        end
      end
`

/**
 * Runs the verb that blocks a key, for `extra` microseconds or, where that is negative, for the next length
 * of the law, unless the key is blocked. `cost` is the number of the key of its offences, or 0. A law that
 * can block ends with: the first length, factor, max, forget.
 */
export const BLOCK_KEY = `
      local isBucket = law[1] == 0
      local state = twin.load(law, key)
      local left = isBucket and -state or state.blocked or 0
      if extra >= 0 or left <= 0 then
        local last, before = #law, 0
        left = extra >= 0 and extra or law[last - 3]
        if extra < 0 and cost > 0 then
          local value = redis.pcall('GET', KEYS[cost])
          -- As above: another type is not ours, and any other error is raised by asking again.
          if type(value) == 'table' then
            if not string.find(value.err, '^WRONGTYPE') then call('GET', KEYS[cost]) end
            value = false
          end
          local count, till = string.match(value or '', '^(%d+):(%d+)$')
          if count and till * 1 > now then before = count * 1 end
          left = min(ceil(left * law[last - 2] ^ before), law[last - 1])
          till = now + left + law[last]
          ${write('KEYS[cost]', `format('%d:%d', min(before + 1, ${MOST_OFFENCES}), till)`)}
        end
        local till = now + left
        ${writeBlock('KEYS[key]')}
        twin.changed[key] = nil
        if isBucket then
          twin.owed[key], twin.held[key] = -left, 0
        else
          twin.rings[key] = { blocked = left }
        end
      end
      say(left)
`

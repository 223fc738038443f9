import { STOP } from '../clients/connection.js'

/**
 * ARGV[1] is the latest instant at which the call still counts, in microseconds of the server. After it the
 * caller has given up: nothing is done, and the reply is the time, negative. It begins with `STOP` where the
 * call was written again after its connection was lost, and may have run before: then the reply is empty.
 */
export const DEADLINE = `
if now > ARGV[1] * 1 then return string.byte(ARGV[1]) == ${STOP.charCodeAt(0)} and {} or { -now } end
`

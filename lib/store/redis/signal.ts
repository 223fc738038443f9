/** The first argument of the script: do it. */
export const GO = '1'
/** Or do nothing, and reply with nothing. */
export const STOP = '0'

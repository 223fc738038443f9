/** What the first argument of the script begins with where it is to do nothing, and to reply with nothing; no deadline does. */
export const STOP = '0'

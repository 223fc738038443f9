/** What is still to be put into plain words. */
export const NOT_YET: readonly string[] = []

import createError from '@fastify/error'

const Memory = createError('FST_FLOODGATE_MEMORY', 'shared memory %s', 500)

/**
 * `FST_FLOODGATE_MEMORY`: this memory cannot be used, or not now. `why` completes the sentence "shared memory
 * ...".
 */
export function badMemory(why: string): Error {
  return new Memory(why)
}

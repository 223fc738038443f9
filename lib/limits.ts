export type { LimitsSource } from '../types/index.js'
export { fileLimits } from './limits/index.js'
export { type RedisLimitsOptions, redisLimits } from './limits/redis-limits.js'

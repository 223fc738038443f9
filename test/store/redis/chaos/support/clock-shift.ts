/**
 * To be imported before all else: puts the clocks of this process ahead by FLOODGATE_CLOCK_SHIFT ms, or
 * behind.
 */
const shift = Number(process.env.FLOODGATE_CLOCK_SHIFT ?? 0)
const [now, date] = [performance.now.bind(performance), Date.now]
Object.defineProperty(performance, 'now', { value: () => now() + shift })
Date.now = () => date() + Math.round(shift)

// Periods of policies as text, and back.

const UNITS = /** @type {const} */ ([
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
])

/** A period as a person writes it: `90000` is `'90 seconds'`. @param {unknown} period */
export function periodText(period) {
  if (typeof period !== 'number') return String(period ?? '')
  const unit = UNITS.find(([ms]) => period >= ms && period % ms === 0)
  if (unit === undefined) return String(period)
  const amount = period / unit[0]
  return amount === 1 ? unit[1] : `${amount} ${unit[1]}s`
}

/** A number is milliseconds. @param {string} text */
export const readPeriod = (text) => (/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text)

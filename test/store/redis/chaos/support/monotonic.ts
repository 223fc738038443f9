/** Time in ms that all processes of a machine have in common, and that no `clock-shift` changes. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

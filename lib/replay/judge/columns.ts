type Numbers = Float64Array | Uint32Array | Int32Array

/** `column`, or a copy of it with twice the places or more, so that `place` is one. */
export function withPlace<T extends Numbers>(column: T, place: number): T {
  if (place < column.length) return column
  const wider = new (column.constructor as new (length: number) => T)(Math.max(place + 1, column.length * 2))
  wider.set(column)
  return wider
}

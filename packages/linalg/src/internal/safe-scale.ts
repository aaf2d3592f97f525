// Powers of two that bring extreme matrices into a range where squares neither overflow nor vanish.

/** Outside these magnitudes entries are rescaled: squares of n of them stay far inside the range of float64. */
const LARGE = 2 ** 400
const SMALL = 2 ** -400

/** The power of two that brings `largest` > 0 near 1, as far as its reciprocal stays finite too. */
export function unitScale(largest: number): number {
  return 2 ** Math.max(-1000, Math.min(1000, -Math.floor(Math.log2(largest))))
}

/** Whether products of two of the numbers are ordinary data as `safeScale` has it, sums of many of them included. */
export function areProductsSafe(data: ArrayLike<number>): boolean {
  let largest = 0
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!)
    if (size > largest) largest = size
  }
  return areSquaresSafe(largest)
}

/** The same of numbers up to `largest`; false for NaN. */
export function areSquaresSafe(largest: number): boolean {
  return largest === 0 || (largest < 2 ** 180 && largest > 2 ** -190)
}

/** 1 for ordinary data, else a power of two s (so scaling is exact) with s · max|data| near 1. */
export function safeScale(data: ArrayLike<number>): number {
  let largest = 0
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!)
    if (size > largest) largest = size
  }
  if (largest === 0 || (largest < LARGE && largest > SMALL)) return 1
  return unitScale(largest)
}

/** Multiplies in place; nothing to do for 1. */
export function scaleInPlace(data: Float64Array, factor: number): void {
  if (factor !== 1) for (let i = 0; i < data.length; i++) data[i] = data[i]! * factor
}

// The one squared distance of this package: what every search, count and estimator compares.
import type { FloatArray } from '@ood/core'

/**
 * |x - y|² = Σ fl((x_j - y_j)²), the sum taken in twice the precision of float64 and rounded once.
 *
 * Because the sum is rounded once, it does not depend on the order of its terms (but for sums that lie within about
 * D 2^-105 of the middle between two numbers). So points at equal distances get bit-equal ones wherever the differences
 * (x_j - y_j) are the same up to order and sign: copies, mirror images, permuted coordinates, rows with zeros put
 * between their entries. Whole numbers (and multiples of one power of two) below 2^26 are exact. Copies are at
 * exactly 0. What no summation can mend: 0.3 - 0.2 and 0.1 are different numbers in float64, so a grid of step 0.1 has
 * no exact ties.
 *
 * Differences of neighbouring numbers are exact (Sterbenz), so data far from the origin lose nothing here.
 *
 * @param x - coordinates from place `atX` on
 * @param y - coordinates from place `atY` on
 * @param d - how many
 * @returns the squared distance, within half a unit in the last place of the sum of the rounded squares; Infinity where
 * squares overflow
 *
 * Cost 9 flops a coordinate. Neumaier's compensated sum over even and odd places apart, as wasm/distances.c does it.
 * @example
 * squaredDistance([0, 0], 0, [3, 4], 0, 2) // 25
 */
export function squaredDistance(
  x: FloatArray | readonly number[],
  atX: number,
  y: FloatArray | readonly number[],
  atY: number,
  d: number,
): number {
  let s0 = 0
  let s1 = 0
  let c0 = 0
  let c1 = 0
  const even = d - (d % 2)
  for (let j = 0; j < even; j += 2) {
    const v0 = x[atX + j]! - y[atY + j]!
    const v1 = x[atX + j + 1]! - y[atY + j + 1]!
    const p0 = v0 * v0
    const p1 = v1 * v1
    const t0 = s0 + p0
    const t1 = s1 + p1
    const b0 = t0 - s0
    const b1 = t1 - s1
    c0 += s0 - (t0 - b0) + (p0 - b0)
    c1 += s1 - (t1 - b1) + (p1 - b1)
    s0 = t0
    s1 = t1
  }
  if (even < d) {
    const v = x[atX + even]! - y[atY + even]!
    const p = v * v
    const t = s0 + p
    const b = t - s0
    c0 += s0 - (t - b) + (p - b)
    s0 = t
  }
  const t = s0 + s1
  const b = t - s0
  const sum = t + (s0 - (t - b) + (s1 - b) + (c0 + c1))
  // Where squares overflow, the corrections are infinity minus infinity.
  return Number.isNaN(sum) ? Number.POSITIVE_INFINITY : sum
}

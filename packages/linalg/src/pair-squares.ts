// Squared distances between all pairs of points, exact to the last place: `squaredDistance` for many pairs at once.
import type { FloatArray } from '@ood/core'
import { assertFiniteNumbers, assertLength, assertSize } from './internal/check.ts'
import { fastBlockSquares } from './internal/fast-distances.ts'
import { squaredDistance } from './squared-distance.ts'

/** Rows of a block: two of them and their distances stay below 4 MB at 784 coordinates. */
const BLOCK = 256

/**
 * Squared distances between all pairs of points, each as {@link squaredDistance} gives it: exactly 0 between copies,
 * bit-equal for pairs that are tied, symmetric.
 *
 * @param points - count x ambient numbers, row-major
 * @param out - where to write, count x count
 * @returns count x count row-major, zeros on the diagonal
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`
 *
 * Cost 4.5 count² ambient flops: three times that of products, which would lose the digits that two close points share.
 * @example
 * pairSquares(Float64Array.of(0, 3, 1), 3, 1) // [0, 9, 1, 9, 0, 4, 1, 4, 0]
 */
export function pairSquares(
  points: FloatArray,
  count: number,
  ambient: number,
  out: Float64Array = new Float64Array(count * count),
): Float64Array {
  assertSize('pairSquares count', count)
  assertSize('pairSquares ambient', ambient)
  assertLength('pairSquares points', points, count * ambient)
  assertLength('pairSquares out', out, count * count)
  assertFiniteNumbers('pairSquares points', points)
  for (let r = 0; r < count; r += BLOCK) {
    const height = Math.min(BLOCK, count - r)
    for (let c = 0; c <= r; c += BLOCK) {
      const width = Math.min(BLOCK, count - c)
      const block = blockSquares(points, ambient, r, height, c, width)
      for (let i = 0; i < height; i++) out.set(block.subarray(i * width, (i + 1) * width), (r + i) * count + c)
      if (r === c) continue
      for (let j = 0; j < width; j++)
        for (let i = 0; i < height; i++) out[(c + j) * count + r + i] = block[i * width + j]!
    }
  }
  return out
}

/**
 * Squared distances of `height` rows from r on to `width` rows from c on, height x width row-major: a part of
 * {@link pairSquares}, for callers with threads or blocks of their own. The numbers are valid until the next call.
 *
 * @param points - rows of `ambient` finite numbers (not checked)
 * @example
 * blockSquares(Float64Array.of(0, 3, 1), 1, 0, 2, 2, 1) // [1, 4]
 */
export function blockSquares(
  points: FloatArray,
  ambient: number,
  r: number,
  height: number,
  c: number,
  width: number,
): Float64Array {
  const fast = fastBlockSquares(points, ambient, r, height, c, width)
  if (fast) return fast
  const out = new Float64Array(height * width)
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++)
      out[i * width + j] = squaredDistance(points, (r + i) * ambient, points, (c + j) * ambient, ambient)
  return out
}

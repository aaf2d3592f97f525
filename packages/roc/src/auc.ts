// Area under a curve given by its points: trapezoid, left step, or the upper concave hull.
import { RocError } from './errors.ts'
import { checkObject, checkOneOf, checkSameLength, copyScores } from './internal/check.ts'
import type { Scores } from './scores.ts'

/**
 * How the curve runs between two points. One of:
 *
 * - `linear`: the straight line (trapezoid rule).
 * - `step`: the y of the left point up to the next x. For a ROC staircase that is what one deterministic threshold rule
 *   reaches.
 * - `hull`: straight lines over the upper concave hull of the points; never below `linear`, which is never below `step`
 *   when y ascends.
 */
export type Interpolation = 'linear' | 'step' | 'hull'

const INTERPOLATIONS: readonly Interpolation[] = ['linear', 'step', 'hull']

/** Options of {@link auc}. */
export interface AucOptions {
  /** Default `linear`. */
  readonly interpolation?: Interpolation | undefined
}

/**
 * Area under the points (x_i, y_i), from the first x to the last.
 *
 * linear: sum (x_{i+1} - x_i)(y_i + y_{i+1}) / 2; step: sum (x_{i+1} - x_i) y_i; hull: linear over the upper hull.
 *
 * @param x - ascending (repeats allowed), at least one finite number
 * @param y - as many finite numbers
 * @throws RocError E_EMPTY, E_NOT_FINITE, E_SHAPE, E_ARGUMENT (x descends, unknown interpolation)
 *
 * Cost: O(n).
 *
 * @example
 * auc([0, 0.5, 1], [0, 1, 1]) // 0.75
 * auc([0, 0.5, 1], [0, 1, 1], { interpolation: 'step' }) // 0.5
 */
export function auc(x: Scores, y: Scores, options: AucOptions = {}): number {
  checkObject('options', options)
  const { interpolation = 'linear' } = options
  checkOneOf('interpolation', interpolation, INTERPOLATIONS)
  const xs = copyScores('x', x)
  const ys = copyScores('y', y)
  checkSameLength('y', 'x', ys.length, xs.length)
  for (let i = 1; i < xs.length; i++) {
    if (xs[i]! < xs[i - 1]!) throw new RocError('E_ARGUMENT', `x[${i}]`, `at least ${xs[i - 1]}`, xs[i])
  }
  if (interpolation === 'step') return finite(stepArea(xs, ys))
  const points = interpolation === 'hull' ? upperHull(xs, ys) : Array.from(xs, (_, i) => i)
  let area = 0
  for (let k = 1; k < points.length; k++) {
    const i = points[k - 1]!
    const j = points[k]!
    area += (xs[j]! - xs[i]!) * 0.5 * (ys[i]! + ys[j]!)
  }
  return finite(area)
}

/** Finite points of 1e308 can have an area that is not. */
function finite(area: number): number {
  if (!Number.isFinite(area)) throw new RocError('E_NOT_FINITE', 'area', 'a finite number', area)
  return area
}

function stepArea(xs: Float64Array, ys: Float64Array): number {
  let area = 0
  for (let i = 1; i < xs.length; i++) area += (xs[i]! - xs[i - 1]!) * ys[i - 1]!
  return area
}

/** Indices of the upper concave hull, left to right (monotone chain; x already ascends). */
function upperHull(xs: Float64Array, ys: Float64Array): number[] {
  const hull: number[] = []
  for (let i = 0; i < xs.length; i++) {
    while (hull.length > 0) {
      const b = hull[hull.length - 1]!
      // Of several points at one x only the highest belongs to the hull of the region below.
      if (xs[b] === xs[i]) {
        if (ys[b]! >= ys[i]!) break
        hull.pop()
        continue
      }
      if (hull.length < 2) break
      const a = hull[hull.length - 2]!
      const turn = (xs[b]! - xs[a]!) * (ys[i]! - ys[a]!) - (ys[b]! - ys[a]!) * (xs[i]! - xs[a]!)
      if (turn < 0) break
      hull.pop()
    }
    const last = hull[hull.length - 1]
    if (last === undefined || xs[last] !== xs[i]) hull.push(i)
  }
  return hull
}

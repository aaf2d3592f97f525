// LID at a grid of scales, prepared once: the artifact of estimators whose every scale costs model calls.
import { concatRows, flatData, type LidEstimator, mismatch, type NdArray, rowCount, sliceRows, tensor } from '@ood/core'

/** LID of N points at S scales, with the standard error of each. */
export interface ScaleCurves {
  /** Scales (log tau), increasing. */
  readonly scales: Float64Array
  /** LID, [N, S]. */
  readonly lid: NdArray<Float64Array>
  /** Standard error of each LID from its probes, [N, S]: 0 when exact, NaN when unknown. */
  readonly standardError: NdArray<Float64Array>
}

/**
 * LID of every point at one scale: linear between the grid's scales, and the nearest end's value outside them, since a
 * network knows nothing of noise levels it was not asked at.
 *
 * @throws OodError `E_ARGUMENT` for a NaN scale
 */
export function readCurves({ scales, lid }: ScaleCurves, scale: number): Float64Array {
  if (typeof scale !== 'number' || Number.isNaN(scale))
    throw mismatch('E_ARGUMENT', 'LID curve scale', 'a number (log of a standard deviation)', scale)
  const last = scales.length - 1
  let right = 0
  while (right < last && scales[right]! < scale) right++
  const left = Math.max(0, right - 1)
  const width = scales[right]! - scales[left]!
  const share = width > 0 ? Math.min(1, Math.max(0, (scale - scales[left]!) / width)) : 0
  return Float64Array.from({ length: rowCount(lid) }, (_, i) => {
    const low = lid.get(i, left)
    // A share of 0 or 1 gives the grid's own number, also next to an infinite one.
    if (share === 0) return low
    const high = lid.get(i, right)
    return share === 1 ? high : low + share * (high - low)
  })
}

/**
 * Curves of consecutive batches as one, so that a long run can store batches as they finish and resume.
 *
 * @throws OodError `E_EMPTY` without parts, `E_SHAPE` when their scales differ
 * @example
 * const all = concatCurves([await estimator.prepare(first), await estimator.prepare(second, { rows })])
 */
export function concatCurves(parts: readonly ScaleCurves[]): ScaleCurves {
  const first = parts[0]
  if (!first) throw mismatch('E_EMPTY', 'concatCurves', 'at least one part', 'none')
  for (const { scales } of parts)
    if (scales.join() !== first.scales.join())
      throw mismatch('E_SHAPE', 'concatCurves', `scales [${first.scales.join(', ')}]`, `[${scales.join(', ')}]`)
  return {
    scales: first.scales,
    lid: concatRows(parts.map((part) => part.lid)),
    standardError: concatRows(parts.map((part) => part.standardError)),
  }
}

/** Points `from` (inclusive) to `to` (exclusive) of curves; shares their memory. */
export function sliceCurves({ scales, lid, standardError }: ScaleCurves, from: number, to: number): ScaleCurves {
  return { scales, lid: sliceRows(lid, from, to), standardError: sliceRows(standardError, from, to) }
}

/** Curves as columns: the grid of scales stands in every row. */
export const curveColumns: NonNullable<LidEstimator<ScaleCurves>['columns']> = {
  names: ['scales', 'lid', 'standardError'],
  pack({ scales, lid, standardError }) {
    const n = rowCount(lid)
    const grid = new Float64Array(n * scales.length)
    for (let i = 0; i < n; i++) grid.set(scales, i * scales.length)
    return { scales: tensor(grid, [n, scales.length]), lid, standardError }
  },
  unpack: ({ scales, lid, standardError }) => ({
    scales: flatData(sliceRows(scales!, 0, 1)),
    lid: lid!,
    standardError: standardError!,
  }),
}

// Eigenvalues of the Hessian of -log p at points, and their summary over a data set.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  flatData,
  forEachBatch,
  type LogDensity,
  mismatch,
  type NdArray,
  OodError,
  rowCount,
  rowSize,
  sliceRows,
  tensor,
  throwIfAborted,
} from '@ood/core'
import { symmetricEigenvalues } from '@ood/linalg'

/** Options of `hessianSpectrum`. */
export interface HessianOptions extends CallOptions {
  /** Unit directions handed to the density together (default 128). */
  directions?: number | undefined
}

/** Spectra of N rows. */
export interface HessianSpectra {
  /** Eigenvalues of -∂² log p / ∂x², ascending, [N, D]: positive where the density is a peak. */
  eigenvalues: NdArray<Float64Array>
  /** Largest |H - Hᵀ| over the largest |H| of each row: what rounding of the products leaves. */
  asymmetry: Float64Array
}

/**
 * All eigenvalues of the Hessian of -log p at every row: D products with unit directions (forward over reverse mode for a
 * flow), the symmetric part, and its eigenvalues in float64.
 *
 * Networks with ReLUs have second derivatives only away from kinks: what is computed is the curvature of the smooth piece
 * that the point lies on.
 *
 * @param density - with `hessianProduct`
 * @param x - [N, ...dataShape]
 * @throws OodError `E_UNSUPPORTED` for a density without second derivatives, naming what gives them; `E_ABORTED`
 *
 * Cost: D products and 4/3 D³ a row; memory D² numbers.
 * @example
 * const { eigenvalues } = await hessianSpectrum(flow.density, v)
 */
export async function hessianSpectrum(
  density: LogDensity,
  x: NdArray,
  options: HessianOptions = {},
): Promise<HessianSpectra> {
  assertOptions('hessianSpectrum', options, [...CALL_OPTIONS, 'directions'])
  const { directions = 128, signal, onProgress } = options
  if (!density.hessianProduct)
    throw new OodError(
      'E_UNSUPPORTED',
      'hessianSpectrum: expected a density with hessianProduct, got none (differenceDensity of @ood/core takes differences)',
    )
  const [n, d] = [rowCount(x, 'hessianSpectrum'), rowSize(x)]
  const eigenvalues = new Float64Array(n * d)
  const asymmetry = new Float64Array(n)
  for (let row = 0; row < n; row++) {
    const H = new Float64Array(d * d)
    const point = sliceRows(x, row, row + 1)
    await forEachBatch('hessianSpectrum', d, directions, { signal, batchSize: directions }, async (from, to) => {
      const units = new Float64Array((to - from) * d)
      for (let k = from; k < to; k++) units[(k - from) * d + k] = 1
      const v = tensor(units, [to - from, 1, ...x.shape.slice(1)])
      H.set(flatData(await density.hessianProduct!(point, v, { signal })), from * d)
    })
    asymmetry[row] = symmetrise(H, d)
    throwIfAborted(signal, 'hessianSpectrum')
    eigenvalues.set(
      symmetricEigenvalues(H, d)
        .map((value) => -value)
        .reverse(),
      row * d,
    )
    onProgress?.({ done: row + 1, total: n, label: 'hessianSpectrum' })
  }
  return { eigenvalues: tensor(eigenvalues, [n, d]), asymmetry }
}

/** Replaces H by its symmetric part; returns the largest difference across the diagonal over the largest entry. */
function symmetrise(H: Float64Array, d: number): number {
  let gap = 0
  let largest = 0
  for (let i = 0; i < d; i++)
    for (let j = 0; j <= i; j++) {
      const [a, b] = [H[i * d + j]!, H[j * d + i]!]
      if (!Number.isFinite(a + b)) throw mismatch('E_NOT_FINITE', 'Hessian', 'finite numbers', `${a} and ${b}`)
      gap = Math.max(gap, Math.abs(a - b))
      largest = Math.max(largest, Math.abs(a), Math.abs(b))
      H[i * d + j] = H[j * d + i] = (a + b) / 2
    }
  return largest === 0 ? 0 : gap / largest
}

/**
 * Mean and standard deviation over rows of the k-th largest eigenvalue, k = 1..D: the published monitor of spectra.
 *
 * @throws OodError `E_EMPTY` without rows
 */
export function spectrumSummary(eigenvalues: NdArray<Float64Array>): { mean: Float64Array; deviation: Float64Array } {
  const [n, d] = [rowCount(eigenvalues, 'spectrumSummary'), rowSize(eigenvalues)]
  if (n === 0) throw new OodError('E_EMPTY', 'spectrumSummary: expected at least one row, got none')
  const values = flatData(eigenvalues)
  const mean = new Float64Array(d)
  const deviation = new Float64Array(d)
  for (let k = 0; k < d; k++) {
    const column = Float64Array.from({ length: n }, (_, row) => values[row * d + (d - 1 - k)]!)
    const average = column.reduce((sum, value) => sum + value, 0) / n
    mean[k] = average
    deviation[k] = Math.sqrt(column.reduce((sum, value) => sum + (value - average) ** 2, 0) / n)
  }
  return { mean, deviation }
}

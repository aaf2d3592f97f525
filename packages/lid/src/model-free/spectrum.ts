// Covariance spectrum of a neighbourhood, as a tridiagonal matrix so that counting needs no eigenvalues.
import { scatterTridiagonal, sturmCount, type Tridiagonal, tridiagonalEigenvalues, tridiagonalize } from '@ood/linalg'
import { gramOf } from './internal/local.ts'
import type { Neighbourhood } from './neighbourhood.ts'

/** Covariance (ddof 1) of k points in D dimensions, reduced to a tridiagonal matrix with the same nonzero spectrum. */
interface CovarianceSpectrum {
  readonly tridiagonal: Tridiagonal
  /** Eigenvalues that can be nonzero: min(k - 1, D). */
  readonly rank: number
}

/**
 * The covariance of the points as a tridiagonal matrix: the D x D one, or the k x k inner products about the mean when
 * k <= D, which have the same nonzero eigenvalues. Cost O(k D min(k, D)), or O(k³) where the products are at hand.
 */
export function covarianceSpectrum(neighbourhood: Neighbourhood): CovarianceSpectrum {
  const { count, ambient } = neighbourhood
  const wide = count <= ambient
  const tridiagonal = wide
    ? tridiagonalize(gramOf(neighbourhood), count)
    : scatterTridiagonal(neighbourhood.points, count, ambient)
  const { diagonal, offDiagonal } = tridiagonal
  const scale = 1 / Math.max(1, count - 1)
  for (let i = 0; i < diagonal.length; i++) diagonal[i] = diagonal[i]! * scale
  for (let i = 0; i < offDiagonal.length; i++) offDiagonal[i] = offDiagonal[i]! * scale
  return { tridiagonal, rank: Math.max(0, Math.min(count - 1, ambient)) }
}

/**
 * The explained variances, descending, min(k - 1, D) of them. What rounding leaves of zeros, below 4 n eps λ_1 for a
 * matrix of order n, is set to 0: flat data have a flat spectrum.
 */
export function explainedVariances(spectrum: CovarianceSpectrum): Float64Array {
  const { diagonal, offDiagonal } = spectrum.tridiagonal
  const descending = tridiagonalEigenvalues(diagonal, offDiagonal).reverse()
  const floor = 4 * descending.length * 2 ** -52 * (descending[0] ?? 0)
  return descending.subarray(0, spectrum.rank).map((value) => (value > floor ? value : 0))
}

/**
 * #{ λ_i > alpha λ_1 }: λ_1 is enclosed by bisection on Sturm counts until both ends of the interval give the same
 * count, which a few steps do unless an eigenvalue lies next to alpha λ_1. Cost O(n).
 */
export function countAboveShare(spectrum: CovarianceSpectrum, alpha: number): number {
  const { diagonal, offDiagonal } = spectrum.tridiagonal
  let low = Number.NEGATIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < diagonal.length; i++) {
    const radius = Math.abs(offDiagonal[i - 1] ?? 0) + Math.abs(offDiagonal[i] ?? 0)
    low = Math.max(low, diagonal[i]!)
    high = Math.max(high, diagonal[i]! + radius)
  }
  const above = (largest: number): number =>
    // alpha = 0 must not count rounding noise of the null space.
    Math.min(spectrum.rank, sturmCount(diagonal, offDiagonal, alpha * largest))
  // λ_1 lies in [max d_i, Gershgorin's bound]; counts never rise with the threshold.
  for (let step = 1; high - low > 1e-15 * Math.max(Math.abs(low), Math.abs(high)); step++) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) break
    if (anyAbove(diagonal, offDiagonal, middle)) low = middle
    else high = middle
    if (step % 6 === 0) {
      const count = above(high)
      if (count === above(low)) return count
    }
  }
  return above((low + high) / 2)
}

/** Whether an eigenvalue is above `threshold`: a Sturm count that stops at the first positive pivot. */
function anyAbove(d: Float64Array, e: Float64Array, threshold: number): boolean {
  let pivot = d[0]! - threshold
  for (let i = 1; ; i++) {
    if (pivot > 0) return true
    if (i === d.length) return false
    const beside = e[i - 1]!
    // A pivot of 0 counts as negative: an eigenvalue equal to the threshold is not above it.
    pivot = d[i]! - threshold - (beside === 0 ? 0 : beside * (beside / (pivot === 0 ? -Number.MIN_VALUE : pivot)))
  }
}

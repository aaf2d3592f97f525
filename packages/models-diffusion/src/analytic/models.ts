// Score models in closed form, for tests, documentation and for telling a model's error from an estimator's.
import { assertOptions, type DiffusionProcess, mismatch } from '@ood/core'
import { vp } from '../sde/vp.ts'
import { type Component, covariancePrecision, pointPrecision, subspacePrecision } from './component.ts'
import { type AnalyticScoreModel, mixtureModel } from './mixture.ts'

/** Shape of a row, raw and in the model's space alike, where it is not simply [D]. */
export interface AnalyticOptions {
  dataShape?: readonly number[] | undefined
}

/**
 * The score model of data N(mean, C): p_t = N(mu m, mu² C + sigma² I), score -(mu² C + sigma² I)^-1 (x - mu m).
 *
 * @param mean - D numbers
 * @param covariance - D x D row-major, or D variances; may be singular, as for data on a subspace
 * @param sde - default `vp()`
 * @throws OodError `E_SHAPE`, `E_ARGUMENT`, `E_NOT_FINITE`
 *
 * Cost O(D³) for each new time (O(D) for variances), O(D²) a row.
 * @example
 * const model = gaussianScore([0, 0, 0], [1, 0.25, 0]) // two dimensions of data in three
 * const { divergence } = await model.divergence(x, 0.01)
 */
export function gaussianScore(
  mean: ArrayLike<number>,
  covariance: ArrayLike<number>,
  sde: DiffusionProcess = vp(),
  options: AnalyticOptions = {},
): AnalyticScoreModel {
  return gaussianMixtureScore([{ weight: 1, mean, covariance }], sde, options)
}

/** One Gaussian of a mixture. */
export interface GaussianComponent {
  /** Share of the mixture; weights need not add up to 1. */
  weight: number
  mean: ArrayLike<number>
  /** D x D row-major, or D variances. */
  covariance: ArrayLike<number>
}

/**
 * The score model of a Gaussian mixture: s = Σ w_k(x) s_k with responsibilities w_k.
 *
 * @throws OodError `E_EMPTY`-like `E_ARGUMENT` without components, `E_SHAPE`, `E_ARGUMENT`
 * @example
 * const model = gaussianMixtureScore([
 *   { weight: 0.5, mean: [-2, 0], covariance: [0.1, 1] },
 *   { weight: 0.5, mean: [2, 0], covariance: [0.1, 1] },
 * ])
 */
export function gaussianMixtureScore(
  components: readonly GaussianComponent[],
  sde: DiffusionProcess = vp(),
  options: AnalyticOptions = {},
): AnalyticScoreModel {
  const first = components[0]
  if (!first) throw mismatch('E_ARGUMENT', 'gaussianMixtureScore', 'at least one component', 'none')
  const d = first.mean.length
  const parts = components.map(({ weight, mean, covariance }): Component => {
    if (mean.length !== d) throw mismatch('E_SHAPE', 'gaussianMixtureScore mean', `${d} numbers`, mean.length)
    if (!(weight > 0)) throw mismatch('E_ARGUMENT', 'gaussianMixtureScore weight', 'a number > 0', weight)
    const precision = covariancePrecision('gaussianMixtureScore', covariance, d)
    return { weight, mean: finite('gaussianMixtureScore mean', mean), precision }
  })
  return mixtureModel(parts, rowShape(options, d), sde)
}

/** Data on an affine subspace. */
export interface AffineManifold {
  /** A point of the subspace, the mean of the data: D numbers. */
  offset: ArrayLike<number>
  /** k orthonormal directions, k x D row-major. */
  basis: ArrayLike<number>
  /** Variance along each direction, or one for all; default 1. */
  variance?: number | ArrayLike<number>
}

/**
 * The score model of Gaussian data on a k-dimensional affine subspace of R^D. Its local intrinsic dimension is k
 * everywhere on the subspace; cost O(k D) a row, so D may be large.
 *
 * @throws OodError `E_SHAPE`; `E_ARGUMENT` for a basis that is not orthonormal to 1e-8
 * @example
 * const line = affineManifoldScore({ offset: [1, 0], basis: [0, 1] }) // the line x = 1
 */
export function affineManifoldScore(
  manifold: AffineManifold,
  sde: DiffusionProcess = vp(),
  options: AnalyticOptions = {},
): AnalyticScoreModel {
  const d = manifold.offset.length
  const basis = finite('affineManifoldScore basis', manifold.basis)
  const k = basis.length / d
  if (!Number.isInteger(k)) throw mismatch('E_SHAPE', 'affineManifoldScore basis', `k x ${d} numbers`, basis.length)
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = 0
      for (let c = 0; c < d; c++) dot += basis[i * d + c]! * basis[j * d + c]!
      if (Math.abs(dot - (i === j ? 1 : 0)) > 1e-8)
        throw mismatch('E_ARGUMENT', 'affineManifoldScore basis', 'orthonormal rows', `row ${i} · row ${j} = ${dot}`)
    }
  }
  const { variance = 1 } = manifold
  const variances = typeof variance === 'number' ? new Float64Array(k).fill(variance) : Float64Array.from(variance)
  if (variances.length !== k)
    throw mismatch('E_SHAPE', 'affineManifoldScore variance', `${k} numbers`, variances.length)
  for (const value of variances)
    if (!(value >= 0)) throw mismatch('E_ARGUMENT', 'affineManifoldScore variance', 'a number >= 0', value)
  const mean = finite('affineManifoldScore offset', manifold.offset)
  const part = { weight: 1, mean, precision: subspacePrecision(basis, variances, d) }
  return mixtureModel([part], rowShape(options, d), sde)
}

/**
 * The score model of a finite data set, every point with the same weight (closed-form diffusion):
 * what a network that memorised the points would compute.
 *
 * @param points - M x D row-major
 * @param dimension - D
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`
 *
 * Cost O(M D) a row.
 * @example
 * const model = pointMassScore([0, 0, 1, 1], 2) // two points in the plane
 */
export function pointMassScore(
  points: ArrayLike<number>,
  dimension: number,
  sde: DiffusionProcess = vp(),
  options: AnalyticOptions = {},
): AnalyticScoreModel {
  const data = finite('pointMassScore points', points)
  const count = data.length / dimension
  if (!(Number.isInteger(count) && count > 0))
    throw mismatch('E_SHAPE', 'pointMassScore points', `M x ${dimension} numbers`, data.length)
  const precision = pointPrecision(dimension)
  const parts = Array.from({ length: count }, (_, i) => ({
    weight: 1,
    mean: data.slice(i * dimension, (i + 1) * dimension),
    precision,
  }))
  return mixtureModel(parts, rowShape(options, dimension), sde)
}

function rowShape(options: AnalyticOptions, d: number): readonly number[] {
  assertOptions('analytic score model', options, ['dataShape'])
  const { dataShape } = options
  const shape = dataShape ?? [d]
  if (shape.reduce((product, n) => product * n, 1) !== d)
    throw mismatch('E_SHAPE', 'analytic dataShape', `sizes with product ${d}`, [...shape])
  return shape
}

function finite(what: string, values: ArrayLike<number>): Float64Array {
  const out = Float64Array.from(values)
  for (const value of out) if (!Number.isFinite(value)) throw mismatch('E_NOT_FINITE', what, 'finite numbers', value)
  return out
}

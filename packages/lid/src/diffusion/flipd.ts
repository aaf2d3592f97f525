// FLIPD: local intrinsic dimension from one score model, by how fast the noised log-density changes with the noise.
import {
  assertFinite,
  assertOptions,
  assertRows,
  CALL_OPTIONS,
  type CallOptions,
  type FloatArray,
  flatData,
  type LidEstimator,
  type NdArray,
  rowCount,
  rowSize,
  type ScoreModel,
  type TraceOptions,
  tensor,
} from '@ood/core'
import { linspace } from '../curve.ts'
import { assertFiniteList } from '../internal/check.ts'
import { assertIncreasing } from './check.ts'
import { curveColumns, readCurves, type ScaleCurves } from './curves.ts'
import { scoreDivergence, type TraceSettings } from './divergence.ts'
import { type NoiseLevel, noiseAt, scaleRange } from './noise-level.ts'

/** Options of `flipd`. */
export interface FlipdOptions extends TraceSettings {
  /**
   * Scales (log tau, increasing) that `prepare` evaluates, one trace a point each (default: 15 from -5 to 2, cut to
   * the noise the process has).
   */
  scales?: ArrayLike<number> | undefined
  /** Told once, in one line, when values lie outside [0, D] by more than their standard error (default `console.warn`). */
  onWarning?: ((line: string) => void) | undefined
}

/** Options of a call: `rows` are keys of the rows, for probes that do not depend on a row's place in `x`. */
export type FlipdCall = CallOptions & Pick<TraceOptions, 'rows'>

/** FLIPD at one noise level. */
export interface FlipdValues {
  /** One a row; real, possibly negative or above D. */
  lid: Float64Array
  /** Standard error of each from its probes: 0 when exact, NaN when unknown (one probe). */
  standardError: Float64Array
  /** The time it was evaluated at. */
  t: number
  /** log tau(t). */
  scale: number
}

/** The estimator that `flipd` makes. */
export interface Flipd extends LidEstimator<ScaleCurves> {
  /** The scales `prepare` evaluates. */
  readonly scales: Float64Array
  /** LID at one noise level. */
  at(x: NdArray, level: NoiseLevel, options?: FlipdCall): Promise<FlipdValues>
  /** LID at every scale of `scales`. */
  prepare(x: NdArray, options?: FlipdCall): Promise<ScaleCurves>
  /** LID at one scale, without a curve: what detectors use once the scale is chosen. */
  lidAt(x: NdArray, scale: number, options?: FlipdCall): Promise<Float64Array>
}

/**
 * FLIPD (Kamkari et al. 2024, A Geometric View of Data Complexity: Efficient Local Intrinsic Dimension Estimation with
 * Diffusion Models, arXiv 2406.03537):
 *
 *   LID(x, t) = D + sigma² ( tr ∇s(mu x, t) + ‖s(mu x, t)‖² ),   sigma = sigma(t), mu = mu(t).
 *
 * This is D + d log rho / d log delta, rho the data density convolved with N(0, delta² I), delta = tau(t): by the heat
 * equation it holds for every linear SDE (VP, sub-VP, VE), not only the VP of the paper. For data N(m, C) and v = tau²
 * it is D - v tr (C + vI)⁻¹ + v ‖(C + vI)⁻¹ (x - m)‖², which tends to the dimension of the subspace as t → 0.
 *
 * For every exact score LID(x, t) = E[ ‖x - x_0‖² | x ] / tau² over the data x_0 that noise may have taken to x, which is
 * never negative. A network's negative values, beyond the standard error of the probes, measure the network: its score
 * and Jacobian at clean points are then no density's, and it wants more training before its LIDs mean anything.
 *
 * One evaluation is a trace: D derivatives when exact, `probes` when estimated. Beside `thresholdLid` it needs no
 * Jacobian; but a scale costs model calls, so `prepare` evaluates a grid of `scales` and `lid` reads between them
 * (`readCurves`), and `at` and `lidAt` evaluate one level directly. The same seed gives the same probes at every scale,
 * which keeps noise out of the shape of a curve.
 *
 * scale → -∞: the density of any model with a smooth score fills all D directions, so LID → D below the finest
 * structure it learnt; outside `scales` the value of the nearest end is kept. scale → ∞: LID → 0.
 *
 * @param model - a score model; x is in its space
 * @param options - the trace, and the scales of `prepare`
 * @throws OodError from the methods: `E_SHAPE`, `E_NOT_FINITE` for bad points or scores, `E_ARGUMENT` for bad levels
 * @example
 * const estimator = flipd(model, { probes: 50 })
 * const { lid, standardError } = await estimator.at(images, { t: 0.05 })
 * const curve = lidCurve(estimator, await estimator.prepare(images), estimator.scales)
 */
export function flipd(model: ScoreModel, options: FlipdOptions = {}): Flipd {
  assertOptions('flipd', options, ['scales', 'onWarning', 'method', 'probes', 'sharing', 'chunkSize'])
  const { scales: given, onWarning = console.warn, ...settings } = options
  const scales = given ? Float64Array.from(given) : defaultFlipdScales(model)
  assertFiniteList('flipd scales', scales)
  assertIncreasing('flipd scales', scales)
  let warned = false
  /** Values that no density of D dimensions has near its data measure the network, and nobody should read on unaware. */
  const warn = (lid: Float64Array, error: Float64Array, d: number): void => {
    if (warned) return
    // Exact traces have no standard error; what rounding adds is no finding.
    const outside = lid.filter((value, i) => Math.max(-value, value - d) > error[i]! + 1e-3 * d)
    if (outside.length === 0) return
    warned = true
    const worst = outside.reduce((most, value) =>
      Math.max(-value, value - d) > Math.max(-most, most - d) ? value : most,
    )
    onWarning(
      `flipd: ${outside.length} of ${lid.length} LIDs lie outside [0, ${d}] by more than their standard error, such as ${worst.toFixed(1)}: below 0 the network's score is no density's (train it longer), above ${d} the point is far from all data or the scale too small`,
    )
  }
  const at = async (x: NdArray, level: NoiseLevel, call: FlipdCall = {}): Promise<FlipdValues> => {
    assertOptions('flipd at', call, CALL_OPTIONS)
    assertRows('flipd x', x, model.modelShape)
    assertFinite('flipd x', x)
    const { t, mean, standardDeviation, scale } = noiseAt('flipd', model.sde, level)
    if (rowCount(x) === 0) return { lid: new Float64Array(0), standardError: new Float64Array(0), t, scale }
    const { score, divergence, standardError } = await scoreDivergence(model, scaled(x, mean), t, {
      ...settings,
      ...call,
    })
    assertFinite('flipd score', score)
    assertFiniteList('flipd trace', divergence)
    const d = rowSize(x)
    const variance = standardDeviation ** 2
    const norms = squaredNorms(score)
    const lid = divergence.map((trace, i) => d + variance * (trace + norms[i]!))
    const errors = standardError.map((error) => variance * error)
    warn(lid, errors, d)
    return { lid, standardError: errors, t, scale }
  }
  return {
    scales,
    at,
    lid: readCurves,
    identity: { name: 'flipd', models: [model], settings: { ...settings, scales: [...scales] } },
    columns: curveColumns,
    lidAt: async (x, scale, call) => (await at(x, { scale }, call)).lid,
    async prepare(x, call = {}) {
      const n = rowCount(x)
      const lid = new Float64Array(n * scales.length)
      const standardError = new Float64Array(n * scales.length)
      const { onProgress } = call
      for (let j = 0; j < scales.length; j++) {
        const values = await at(
          x,
          { scale: scales[j]! },
          {
            ...call,
            // The scales one after another are one long call of N S rows.
            ...(onProgress
              ? {
                  onProgress: ({ done }) =>
                    onProgress({ done: j * n + done, total: n * scales.length, label: 'flipd' }),
                }
              : {}),
          },
        )
        for (let i = 0; i < n; i++) {
          lid[i * scales.length + j] = values.lid[i]!
          standardError[i * scales.length + j] = values.standardError[i]!
        }
      }
      const shape = [n, scales.length]
      return { scales, lid: tensor(lid, shape), standardError: tensor(standardError, shape) }
    },
  }
}

/**
 * The scales of a FLIPD curve by default: 15 from -5 to 2, cut to the noise between the process's first and last times.
 *
 * @example
 * defaultFlipdScales(model)[0] // -5
 */
export function defaultFlipdScales(model: Pick<ScoreModel, 'sde'>): Float64Array {
  const { lower, upper } = scaleRange(model.sde)
  return linspace(Math.max(-5, lower), Math.min(2, upper), 15)
}

/** mu x, in the type of x; x itself where mu = 1. */
export function scaled(x: NdArray, mean: number): NdArray {
  if (mean === 1) return x
  return tensor(flatData(x).map((value) => mean * value) as FloatArray, x.shape)
}

/** Σ s² of every row, in float64. */
export function squaredNorms(s: NdArray): Float64Array {
  const data = flatData(s)
  const d = rowSize(s)
  return Float64Array.from({ length: rowCount(s) }, (_, i) => {
    let sum = 0
    for (let j = i * d; j < (i + 1) * d; j++) sum += data[j]! * data[j]!
    return sum
  })
}

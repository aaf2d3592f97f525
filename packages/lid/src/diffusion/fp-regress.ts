// LIDL from one score model: the log-density under growing noise by the Fokker-Planck equation, then its slope.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  type NdArray,
  rowCount,
  rowSize,
  type ScoreModel,
  type TraceOptions,
  tensor,
} from '@ood/core'
import { checkedDeltas, lidlDeltas } from './deltas.ts'
import type { TraceSettings } from './divergence.ts'
import { flipd } from './flipd.ts'
import { cumulativeWeights } from './integrate.ts'
import { noiseAt } from './noise-level.ts'
import { slopeWeights } from './slope.ts'

/** Options of `fpRegress`. */
export interface FpRegressOptions extends TraceSettings, CallOptions, Pick<TraceOptions, 'rows'> {
  /** Standard deviations of noise in units of the data, increasing, none below 1e-4 (default `lidlDeltas()`). */
  deltas?: ArrayLike<number> | undefined
  /**
   * `'reference'` integrates as published: explicit Euler in t from the largest delta down, each step with the rate at
   * its larger time. Its first-order error grows with the codimension: 0.35 too high for a plane in four dimensions.
   */
  compat?: 'reference' | undefined
}

/** What `fpRegress` finds. */
export interface FpRegress {
  /** D + slope, one a row. */
  lid: Float64Array
  /**
   * Bound on the standard error of each LID from its probes, as if the errors at all noise levels had one sign (they
   * share probes): 0 when exact, NaN when unknown.
   */
  standardError: Float64Array
  /** log rho(delta) - log rho(largest delta), in nats, [N, deltas]. */
  logDensity: NdArray<Float64Array>
  deltas: Float64Array
}

/**
 * FPRegress: LIDL (Tempczyk et al. 2022) without an ensemble (Kamkari et al. 2024, arXiv 2406.03537).
 * With rho(x, delta) the data density convolved with N(0, delta² I) and y = mu x,
 *
 *   d log rho / d log delta = sigma² ( tr ∇s(y) + ‖s(y)‖² ) = FLIPD - D,    LID = D + OLS slope of log rho on log delta.
 *
 * So the slope is an average of FLIPD over the range of deltas: less noise than FLIPD at one level, less resolution.
 * By default the rate is integrated over log delta by local cubics: within 1e-5 of the exact slope on Gaussians at the
 * eight published levels.
 * Cost: one trace a delta (`flipd` has their options).
 *
 * @param model - a score model; x is in its space
 * @param x - points [N, ...modelShape]
 * @throws OodError as `flipd`; `E_ARGUMENT` for deltas that do not increase, or below 1e-4
 * @example
 * const { lid } = await fpRegress(model, images, { deltas: deltasAround(0.1), probes: 50, seed: 1 })
 */
export async function fpRegress(model: ScoreModel, x: NdArray, options: FpRegressOptions = {}): Promise<FpRegress> {
  assertOptions('fpRegress', options, [...CALL_OPTIONS, 'deltas', 'compat', 'method', 'probes', 'sharing', 'chunkSize'])
  const { deltas: given = lidlDeltas(), compat, method, probes, sharing, chunkSize, onProgress, ...call } = options
  const deltas = checkedDeltas('fpRegress', given)
  const settings = {
    method,
    probes,
    sharing,
    chunkSize,
  }
  const levels = Array.from(deltas, (delta) => noiseAt('fpRegress', model.sde, { delta }))
  const weights = compat === 'reference' ? eulerWeights(model, levels) : cubicWeights(deltas)
  const n = rowCount(x)
  const m = deltas.length
  const d = rowSize(x)
  const logDensity = new Float64Array(n * m)
  const slope = slopeWeights(deltas.map(Math.log))
  const lid = new Float64Array(n).fill(d)
  const standardError = new Float64Array(n)
  const estimator = flipd(model, settings)
  // The published recipe never needs the rate at the smallest delta: its weights are zero.
  const needed = Array.from(deltas.keys()).filter((j) => weights.some((row) => row[j] !== 0))
  for (const [step, j] of needed.entries()) {
    const report = onProgress && {
      onProgress: ({ done }: { done: number }) =>
        onProgress({ done: step * n + done, total: needed.length * n, label: 'fpRegress' }),
    }
    const values = await estimator.at(x, { t: levels[j]!.t }, { ...call, ...report })
    // The slope is linear in the rates: this is the share of level j in it.
    const share = slope.reduce((sum, weight, i) => sum + weight * weights[i]![j]!, 0)
    for (let row = 0; row < n; row++) {
      const rate = values.lid[row]! - d
      lid[row] = lid[row]! + share * rate
      standardError[row] = standardError[row]! + Math.abs(share) * values.standardError[row]!
      for (let i = 0; i < m; i++) logDensity[row * m + i] = logDensity[row * m + i]! + weights[i]![j]! * rate
    }
  }
  return { lid, standardError, logDensity: tensor(logDensity, [n, m]), deltas }
}

/** log rho(δ_i) - log rho(δ_last) = Σ_j W[i][j] rate_j, integrating over log δ. */
function cubicWeights(deltas: Float64Array): Float64Array[] {
  const fromFirst = cumulativeWeights(deltas.map(Math.log))
  const whole = fromFirst.at(-1)!
  return fromFirst.map((row) => row.map((weight, j) => weight - whole[j]!))
}

/** The same for explicit Euler in t from the last time down; d log rho / dt = g² / (2 sigma²) · rate. */
function eulerWeights(model: ScoreModel, levels: readonly { t: number; standardDeviation: number }[]): Float64Array[] {
  const rows = levels.map(() => new Float64Array(levels.length))
  for (let i = levels.length - 2; i >= 0; i--) {
    const { t, standardDeviation } = levels[i + 1]!
    rows[i]!.set(rows[i + 1]!)
    rows[i]![i + 1] = (-(t - levels[i]!.t) * model.sde.diffusionSquared(t)) / (2 * standardDeviation ** 2)
  }
  return rows
}

// The scale of a diffusion LID curve by its knee: where noise directions are gone and the manifold's are not yet.
import { OodError, rowCount } from '@ood/core'
import { findKnee, type KneeOptions } from '../scale/knee.ts'
import { type ScaleChoice, type TrainingCurve, traceOf } from '../scale/training-curve.ts'
import { readCurves, type ScaleCurves } from './curves.ts'

/** Options of the knee of a diffusion curve: those of `kneeScale`, `trim` being a quarter of a dimension by default. */
export type DiffusionKneeOptions = Pick<KneeOptions, 'sensitivity' | 'trim'>

/** Knees of many points. */
export interface Knees {
  /** log tau of each point's knee. */
  scale: Float64Array
  /** LID there. */
  lid: Float64Array
  /** 1 where the curve has no knee, and its first scale was taken. */
  kneeless: Uint8Array
}

/**
 * The knee of a mean LID curve over log tau, by `kneeScale` (Kneedle, convex and falling, S = 1) on the curve continued
 * to its limit: one grid step left of the first scale LID is D, as it is for every density at fine enough scales.
 *
 * The continuation matters where the first scale is already past the noise: a curve that starts on its plateau (an
 * exact manifold, or a network asked at its resolution only) has its knee at its first scale then, and the later fall
 * from the plateau to 0 is not mistaken for it. A curve without a convex bend anywhere gives its first scale too
 * (`diagnostics.kneeless` = 1).
 *
 * A knee is where the curve falls as steeply as its chord, not where it has become flat. Noise of standard deviation
 * eta in D - k directions leaves (D - k) / (1 + (tau / eta)²), so over a range of w log units of scale the knee still
 * counts about D / (2w) noise directions: D / 14 for the default scales. `plateauScale` is stricter where there is a
 * plateau; a wider grid (`scales`) narrows it.
 *
 * @param training - mean LID of training points at the estimator's own scales
 * @throws OodError as `kneeScale` for curves that are not finite or not increasing in scale
 * @example
 * const training = trainingLid(estimator, await estimator.prepare(train), 784)
 * diffusionKneeScale(training.curve(estimator.scales)).scale
 */
export function diffusionKneeScale(training: TrainingCurve, options: DiffusionKneeOptions = {}): ScaleChoice {
  const { scales, meanLid, dimension } = training
  const step = scales.length > 1 ? scales[1]! - scales[0]! : 1
  const continued = {
    scales: Float64Array.of(scales[0]! - step, ...scales),
    meanLid: Float64Array.of(dimension, ...meanLid),
    dimension,
  }
  // kneeScale's 1 % of D would cut the plateau of a manifold of few dimensions among many away as a part of 0.
  const knee = findKnee(continued, { trim: Math.min(0.01, 0.25 / dimension), ...options })
  const found = !(knee instanceof OodError) && knee.scale >= scales[0]!
  const scale = found ? knee.scale : scales[0]!
  const at = scales.indexOf(scale)
  return {
    scale,
    rule: 'diffusionKnee',
    meanLid: meanLid[at]!,
    trace: traceOf(training),
    diagnostics: { ...(found ? knee.diagnostics : {}), kneeless: found ? 0 : 1 },
  }
}

/**
 * The knee of each point's own curve: the published automatic t₀, point by point. Noisier than one
 * scale for all (`diffusionKneeScale` of the mean), which is what comparisons between points need.
 *
 * @param curves - from `flipd(...).prepare`
 * @param dimension - ambient dimension D
 * @example
 * const { lid } = kneeLid(await estimator.prepare(images), 784)
 */
export function kneeLid(curves: ScaleCurves, dimension: number, options: DiffusionKneeOptions = {}): Knees {
  const n = rowCount(curves.lid)
  const out: Knees = { scale: new Float64Array(n), lid: new Float64Array(n), kneeless: new Uint8Array(n) }
  const byScale = Array.from(curves.scales, (scale) => readCurves(curves, scale))
  for (let i = 0; i < n; i++) {
    const meanLid = Float64Array.from(byScale, (lid) => lid[i]!)
    const choice = diffusionKneeScale({ scales: curves.scales, meanLid, dimension }, options)
    out.scale[i] = choice.scale
    out.lid[i] = choice.meanLid!
    out.kneeless[i] = choice.diagnostics.kneeless!
  }
  return out
}

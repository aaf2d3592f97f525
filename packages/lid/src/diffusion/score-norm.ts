// How long the score is at little noise: a raw quantity used beside the likelihood.
import {
  assertFinite,
  assertOptions,
  assertRows,
  CALL_OPTIONS,
  type CallOptions,
  forEachBatch,
  type NdArray,
  rowCount,
  type ScoreModel,
  sliceRows,
} from '@ood/core'
import { squaredNorms } from './flipd.ts'
import { type NoiseLevel, noiseAt } from './noise-level.ts'

/** Options of `scoreNorm`. */
export interface ScoreNormOptions extends CallOptions {
  /** Noise level (default `{ t: 1e-5 }`, as published; ablations use 1e-4). */
  level?: NoiseLevel | undefined
}

/**
 * ‖sigma(t) s(x, t)‖₂ of every row, sigma s being what the network itself gives.
 *
 * It is the length of the noise the model sees in a point: at a point of clean data it is small where the model knows
 * the neighbourhood, and near √(D - LID) where the point lies off its manifold by the noise level. x goes in as it is,
 * not multiplied by mu(t), which at such times is 1 to rounding.
 *
 * @param model - a score model; x is in its space
 * @param x - points [N, ...modelShape]
 * @returns N norms, no unit
 * @throws OodError `E_SHAPE`, `E_NOT_FINITE`, `E_ARGUMENT` for a level without noise
 * @example
 * const norms = await scoreNorm(model, images, { level: { t: 1e-4 } })
 */
export async function scoreNorm(model: ScoreModel, x: NdArray, options: ScoreNormOptions = {}): Promise<Float64Array> {
  assertOptions('scoreNorm', options, [...CALL_OPTIONS, 'level'])
  const { level = { t: 1e-5 }, ...call } = options
  assertRows('scoreNorm x', x, model.modelShape)
  assertFinite('scoreNorm x', x)
  const { t, standardDeviation } = noiseAt('scoreNorm', model.sde, level)
  const out = new Float64Array(rowCount(x))
  const { onProgress: _, ...quiet } = call
  await forEachBatch('scoreNorm', rowCount(x), 128, call, async (from, to) => {
    const rows = sliceRows(x, from, to)
    const net = model.scaledScore ? await model.scaledScore(rows, t, quiet) : await model.score(rows, t, quiet)
    assertFinite('scoreNorm score', net)
    const factor = model.scaledScore ? 1 : standardDeviation
    squaredNorms(net).forEach((norm, i) => {
      out[from + i] = factor * Math.sqrt(norm)
    })
  })
  return out
}

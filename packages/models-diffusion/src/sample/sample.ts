// Draws rows from a score model: seeded noise at time T, then `denoise`.
import { assertOptions, mismatch, type NdArray, random, type ScoreModel, tensor } from '@ood/core'
import { dimension } from '../internal/probability-flow.ts'
import { denoise } from './denoise.ts'
import { SAMPLE_OPTIONS, type SampleOptions } from './options.ts'

/**
 * Draws `n` rows: x_T ~ N(0, sigma_T² I), then `denoise` from T. Row i depends on (seed, i) only: the first rows of a
 * larger sample are the same, in any batch size.
 *
 * @returns rows in the model's space, [n, ...modelShape]
 * @throws OodError as `denoise`
 * @example
 * const rows = await sample(model, 100, { seed: 1, method: 'ddim', steps: 50 })
 */
export async function sample(
  model: ScoreModel,
  n: number,
  options: SampleOptions = {},
): Promise<NdArray<Float64Array>> {
  assertOptions('sample', options, SAMPLE_OPTIONS)
  const { temperature = 1, ...rest } = options
  if (!(Number.isInteger(n) && n >= 0)) throw mismatch('E_ARGUMENT', 'sample', '0 or a positive integer', n)
  if (!(Number.isFinite(temperature) && temperature >= 0))
    throw mismatch('E_ARGUMENT', 'sample temperature', 'a number >= 0', temperature)
  const d = dimension(model)
  const root = random(options.seed ?? 0).fork('diffusion sample')
  const scale = temperature * model.sde.standardDeviation(model.sde.tMax)
  const x = new Float64Array(n * d)
  for (let row = 0; row < n; row++) {
    const own = root.fork(row)
    for (let i = row * d; i < (row + 1) * d; i++) x[i] = scale * own.normal()
  }
  return denoise(model, tensor(x, [n, ...model.modelShape]), rest)
}

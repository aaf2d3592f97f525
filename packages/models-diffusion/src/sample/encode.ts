// From data to noise along the probability-flow ODE.
import {
  assertFinite,
  assertOptions,
  assertRows,
  mismatch,
  type NdArray,
  rowCount,
  type ScoreModel,
  tensor,
  throwIfAborted,
} from '@ood/core'
import { float64 } from '../internal/calls.ts'
import { dimension, pointFlow } from '../internal/probability-flow.ts'
import { integrateRows } from '../internal/rows-ode.ts'
import { ENCODE_OPTIONS, type EncodeOptions } from './options.ts'
import { checkSpan } from './time-grid.ts'

/**
 * x_T of rows x_t along the deterministic probability-flow ODE (Song et al. 2021, eq. 13), by Dormand-Prince in log tau:
 * about N(0, sigma_T² I) for rows like the data. `denoise(model, z, { method: 'rk45', clean: false })` goes back.
 *
 * @param x - rows at time `from` in the model's space, [N, ...modelShape]; at the default 1e-4 that is the data itself
 * @throws OodError `E_SHAPE`, `E_ARGUMENT`, `E_NOT_FINITE` naming a row, `E_ABORTED`
 * @example
 * const z = await encode(model, x)
 */
export async function encode(
  model: ScoreModel,
  x: NdArray,
  options: EncodeOptions = {},
): Promise<NdArray<Float64Array>> {
  assertOptions('encode', options, ENCODE_OPTIONS)
  const { sde } = model
  const { from = sde.tMin, to = sde.tMax, tolerance = 1e-3, batchSize = 256 } = options
  assertRows('encode', x, model.modelShape)
  assertFinite('encode', x)
  checkSpan(sde, to, from)
  if (!(tolerance > 0)) throw mismatch('E_ARGUMENT', 'encode tolerance', 'a number > 0', tolerance)
  if (!(Number.isInteger(batchSize) && batchSize > 0))
    throw mismatch('E_ARGUMENT', 'encode batchSize', 'a positive integer', batchSize)
  const n = rowCount(x)
  const d = dimension(model)
  const out = float64(x)
  const [mu, muTo] = [sde.mean(from), sde.mean(to)]
  const [start, end] = [Math.log(sde.noiseToSignal(from)), Math.log(sde.noiseToSignal(to))]
  for (let i = 0; i < out.length; i++) out[i]! /= mu
  for (let first = 0; first < n; first += batchSize) {
    throwIfAborted(options.signal, 'encode')
    const last = Math.min(n, first + batchSize)
    const problem = pointFlow({ model, tolerance, floor: 0.05 }, options)
    await integrateRows(problem, out.subarray(first * d, last * d), start, end, {
      method: 'dopri5',
      steps: 0,
      firstStep: 0.2,
      onProgress: (share) =>
        options.onProgress?.({ done: first + Math.floor(share * (last - first)), total: n, label: 'encode' }),
    })
  }
  for (let i = 0; i < out.length; i++) out[i]! *= muTo
  return tensor(out, x.shape)
}

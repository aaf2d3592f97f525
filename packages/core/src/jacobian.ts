// The full Jacobian of any Differentiable from batched unit-vector JVPs, for providers without a faster way.
import { mismatch } from './errors.ts'
import type { Differentiable } from './interfaces.ts'
import { type CallOptions, forEachBatch } from './progress.ts'
import { assertRows, flatData, type NdArray, rowCount, tensor } from './tensor.ts'

/**
 * Jacobian of `f` at one point: J[i, j] = d f_i / d x_j, flat row-major [outputSize, inputSize] in float64.
 *
 * Uses `f.jacobian` when the provider has it, else ceil(D / batchSize) JVP calls with unit vectors (batchSize 128 when
 * not given), with one progress event and one look at the abort signal for each call.
 *
 * @param f - the map
 * @param x - one point, [1, ...inputShape]
 * @throws OodError `E_SHAPE` when `x` is not one row of `inputShape`, `E_ARGUMENT` for a bad batchSize, `E_ABORTED`
 *
 * Cost D JVPs.
 * @example
 * const J = await jacobian(flow.decoder, z) // [784, 784]
 */
export async function jacobian(f: Differentiable, x: NdArray, options?: CallOptions): Promise<NdArray<Float64Array>> {
  if (rowCount(x) !== 1) throw mismatch('E_SHAPE', 'jacobian', 'one row', rowCount(x))
  assertRows('jacobian', x, f.inputShape)
  const inputs = f.inputShape.reduce((product, n) => product * n, 1)
  const outputs = f.outputShape.reduce((product, n) => product * n, 1)
  if (f.jacobian) return tensor(Float64Array.from(flatData(await f.jacobian(x, options))), [outputs, inputs])
  const J = new Float64Array(outputs * inputs)
  // Progress and batching are this loop's business; the calls inside keep the rest.
  const { onProgress: _progress, batchSize: _batchSize, ...inner } = options ?? {}
  await forEachBatch('jacobian', inputs, 128, options, async (from, to) => {
    const v = new Float32Array((to - from) * inputs)
    for (let i = from; i < to; i++) v[(i - from) * inputs + i] = 1
    const { tangent } = await f.jvp(x, tensor(v, [to - from, 1, ...f.inputShape]), inner)
    const columns = flatData(tangent)
    if (columns.length !== (to - from) * outputs)
      throw mismatch('E_SHAPE', 'jacobian tangents', `${(to - from) * outputs} numbers`, columns.length)
    for (let i = from; i < to; i++) {
      for (let o = 0; o < outputs; o++) J[o * inputs + i] = columns[(i - from) * outputs + o]!
    }
  })
  return tensor(J, [outputs, inputs])
}

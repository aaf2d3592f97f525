// The full Jacobian of any Differentiable from batched unit-vector JVPs, for providers without a faster way.

import { mismatch } from './errors.ts'
import type { Differentiable } from './interfaces.ts'
import { type CallOptions, throwIfAborted } from './progress.ts'
import { flatData, type NdArray, rowCount, tensor } from './tensor.ts'

/**
 * Jacobian of `f` at one point: J[i, j] = d f_i / d x_j, flat row-major [outputSize, inputSize] in float64.
 *
 * Uses `f.jacobian` when the provider has it, else ceil(D / batchSize) JVP calls with unit vectors.
 *
 * @param f - the map
 * @param x - one point, [1, ...inputShape]
 * @example
 * const J = await jacobian(flow.decoder, z) // [784, 784]
 */
export async function jacobian(f: Differentiable, x: NdArray, options?: CallOptions): Promise<NdArray<Float64Array>> {
  if (rowCount(x) !== 1) throw mismatch('E_SHAPE', 'jacobian', 'one row', rowCount(x))
  const inputs = f.inputShape.reduce((product, n) => product * n, 1)
  const outputs = f.outputShape.reduce((product, n) => product * n, 1)
  if (f.jacobian) return tensor(Float64Array.from(flatData(await f.jacobian(x, options))), [outputs, inputs])
  const J = new Float64Array(outputs * inputs)
  const chunk = options?.batchSize ?? 128
  for (let from = 0; from < inputs; from += chunk) {
    throwIfAborted(options?.signal, 'jacobian')
    const k = Math.min(chunk, inputs - from)
    const v = new Float32Array(k * inputs)
    for (let i = 0; i < k; i++) v[i * inputs + from + i] = 1
    const { tangent } = await f.jvp(x, tensor(v, [k, 1, ...f.inputShape]), options)
    const columns = flatData(tangent)
    for (let i = 0; i < k; i++) {
      for (let o = 0; o < outputs; o++) J[o * inputs + from + i] = columns[i * outputs + o]!
    }
  }
  return tensor(J, [outputs, inputs])
}

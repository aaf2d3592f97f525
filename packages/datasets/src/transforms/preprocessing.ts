// Builds the chain of transforms a manifest lists, and runs batches through it with log-determinants.
import {
  assertFinite,
  type FloatArray,
  flatData,
  mismatch,
  type NdArray,
  type Random,
  random,
  rowCount,
  rowSize,
  tensor,
} from '@ood/core'
import { stepOf } from '../internal/parse-spec.ts'
import type { Rows, Step } from '../internal/step.ts'
import type { ForwardOptions, InverseOptions, Transform, Transformed, TransformSpec } from './types.ts'

/**
 * The chain of transforms of a `preprocessing` list, applied in list order.
 *
 * Every step is computed in float64 and the result stored as the input was. `logDet` is the exact
 * sum over steps and dimensions of ln |dy/dx| in nats, so with log p of the model at `y`
 *
 *   log p(x) = log p(y) + logDet,    bits/dim = -log p(x) / (D ln 2)
 *
 * Noise of row i is drawn from `random(seed)` forked by the step and by `rows[i]`: it does not depend on the batch.
 * In float32 storage a value within rounding of the next pixel can come back as that pixel (about one in 10^5
 * dequantised values); in float64 the round trip is exact.
 *
 * Cost: O(N D), one exp or log a number for the logits.
 *
 * @param specs - the list, as in a manifest; checked strictly, so JSON may be passed after a cast
 * @throws OodError `E_UNKNOWN_NAME` for a name that is no transform, `E_ARGUMENT` for a wrong or unknown parameter
 * @example
 * const chain = preprocessing([{ name: 'dequantize', levels: 256 }, { name: 'logit', alpha: 0.05, eps: 1e-6 }])
 * const { y, logDet } = chain.forward(images, { seed: 7 }) // images [N, 1, 28, 28], bytes 0..255
 * const back = chain.inverse(y)                            // bytes again
 */
export function preprocessing(specs: readonly TransformSpec[]): Transform {
  if (!Array.isArray(specs)) throw mismatch('E_ARGUMENT', 'preprocessing', 'a list of transforms', specs)
  const steps = specs.map((spec, i) => stepOf(spec, `preprocessing[${i}]`))
  return {
    specs: steps.map((step) => step.spec),
    forward: (x, options) => forward(steps, x, options),
    inverse: (y, options) => inverse(steps, y, options),
  }
}

function forward<A extends FloatArray>(
  steps: readonly Step[],
  x: NdArray<A>,
  options: ForwardOptions = {},
): Transformed<A> {
  assertFinite('preprocessing', x)
  const rows = privateRows(x)
  const keys = options.rows
  if (keys && keys.length !== rows.count) {
    throw mismatch('E_SHAPE', 'preprocessing rows', `${rows.count} keys, one a row`, keys.length)
  }
  const noisySteps = steps.filter((step) => step.noisy).length
  if (options.noise && (noisySteps !== 1 || options.noise.length !== rows.data.length)) {
    throw mismatch(
      'E_SHAPE',
      'preprocessing noise',
      `${rows.data.length} numbers for exactly one noise step`,
      `${options.noise.length} numbers for ${noisySteps}`,
    )
  }
  const root = random(options.seed ?? 0)
  const logDet = new Float64Array(rows.count)
  const stepLogDet: Float64Array[] = []
  let noisy = 0
  for (const step of steps) {
    const own = new Float64Array(rows.count)
    const label: string = step.noisy ? `${step.spec.name} ${noisy++}` : ''
    const branch: Random = root.fork(label)
    step.forward(rows, { stream: (row) => branch.fork(keys ? keys[row]! : row), given: options.noise }, own)
    rows.shape = step.outputShape?.(rows.shape) ?? rows.shape
    for (let row = 0; row < rows.count; row++) logDet[row]! += own[row]!
    stepLogDet.push(own)
    checkFinite(`preprocessing ${step.spec.name}`, rows)
  }
  return { y: stored(rows, x), logDet, stepLogDet }
}

function inverse<A extends FloatArray>(
  steps: readonly Step[],
  y: NdArray<A>,
  options: InverseOptions = {},
): NdArray<A> {
  const rows = privateRows(y)
  for (const step of [...steps].reverse()) {
    rows.shape = step.inputShape?.(rows.shape) ?? rows.shape
    step.inverse(rows, options.quantize ?? true)
  }
  checkFinite('preprocessing inverse', rows)
  return stored(rows, y)
}

function privateRows(x: NdArray): Rows {
  return { data: Float64Array.from(flatData(x)), count: rowCount(x), size: rowSize(x), shape: x.shape.slice(1) }
}

function checkFinite(what: string, rows: Rows): void {
  assertFinite(what, tensor(rows.data, [rows.count, rows.size]))
}

/** The rows as a batch with the storage type of `like`. */
function stored<A extends FloatArray>(rows: Rows, like: NdArray<A>): NdArray<A> {
  const data = like.data instanceof Float64Array ? rows.data : Float32Array.from(rows.data)
  return tensor(data as A, [rows.count, ...rows.shape])
}

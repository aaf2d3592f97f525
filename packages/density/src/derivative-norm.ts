// The norm of the gradient of log p at points: how steep the density is there.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  flatData,
  type LogDensity,
  type NdArray,
  rowCount,
  rowSize,
} from '@ood/core'
import { assertBall, lpNorm, type Norm } from './lp-ball.ts'

/** Options of `derivativeNorm`. */
export interface DerivativeNormOptions extends CallOptions {
  /** Norm of the gradient (default 2). */
  p?: Norm | undefined
}

/**
 * ‖∂ log p(x)/∂x‖_p of every row, with log p: the approximate mass of JEM (Grathwohl et al. 2020, arXiv 1912.03263,
 * section 5.3.3) has minus the 2-norm as score: a point of a wide region of density has a small gradient, one on a spike
 * a large one. Published with no dequantisation noise: pass rows of the density's space.
 *
 * @throws OodError `E_ARGUMENT`, what the density throws
 *
 * Cost: one gradient, about three evaluations of log p.
 * @example
 * const { norm } = await derivativeNorm(flow.density, await flow.preprocess(images))
 */
export async function derivativeNorm(
  density: LogDensity,
  x: NdArray,
  options: DerivativeNormOptions = {},
): Promise<{ logProb: Float64Array; norm: Float64Array }> {
  assertOptions('derivativeNorm', options, [...CALL_OPTIONS, 'p'])
  const { p = 2, ...call } = options
  assertBall('derivativeNorm', 1, p)
  const { logProb, gradient } = await density.gradient(x, call)
  const values = flatData(gradient)
  const d = rowSize(x)
  return { logProb, norm: Float64Array.from({ length: rowCount(x) }, (_, row) => lpNorm(values, p, row * d, d)) }
}

// The density convolved with Gaussians, over their widths.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  rowCount,
  tensor,
} from '@ood/core'
import { type LogMean, logMean } from './internal/log-mean.ts'
import { perturbed } from './internal/perturbed.ts'

/** Options of `gaussianConvolution`. */
export interface ConvolutionOptions extends CallOptions {
  /** Standard deviations of the Gaussians, in units of the density's space. */
  deviations: ArrayLike<number>
  /** Points a row and width (default 10, as published). */
  samples?: number | undefined
}

/** Convolved densities of N rows and R widths. */
export interface Convolved {
  /** ln (p * N(0, r² I))(x), [N, R]. */
  logDensity: NdArray<Float64Array>
  /** Its standard error, [N, R]; NaN for one sample. */
  standardError: NdArray<Float64Array>
}

/**
 * The density convolved with a Gaussian of each width, ln (1/n) Σ_k p(x + r ε_k), ε_k ~ N(0, I): how fast it falls with r
 * says in how many directions it is thin, since ρ(r) ~ r^{LID - D} (the slope of LIDL). The same ε_k serve all widths.
 *
 * A Monte Carlo mean misses thin densities in many dimensions; flows have the linearised convolution in closed form
 * (`fastFlowLidl` of `@ood/lid`), diffusions their own log p_t.
 *
 * @param model - log p of real rows, such as `flow.density`
 * @throws OodError as `ballMass`
 *
 * Cost: samples · R evaluations a row.
 * @example
 * const { logDensity } = await gaussianConvolution(flow.density, v, { deviations: [0.01, 0.1, 1] })
 */
export async function gaussianConvolution(
  model: LikelihoodModel,
  x: NdArray,
  options: ConvolutionOptions,
): Promise<Convolved> {
  assertOptions('gaussianConvolution', options, [...CALL_OPTIONS, 'deviations', 'samples'])
  const { deviations, samples = 10, ...call } = options
  const list = Array.from(deviations ?? [])
  const bad = list.length === 0 ? 'none' : list.find((r) => !(r > 0 && Number.isFinite(r)))
  if (bad !== undefined) throw mismatch('E_ARGUMENT', 'gaussianConvolution deviations', 'positive numbers', bad)
  const [n, R] = [rowCount(x, 'gaussianConvolution'), list.length]
  const means: LogMean[] = Array.from({ length: n * R }, logMean)
  await perturbed(
    model,
    x,
    {
      what: 'gaussianConvolution',
      samples,
      scales: list,
      draw(rng, out, at, d) {
        for (let i = at; i < at + d; i++) out[i] = rng.normal()
      },
      take: (logProb, row, index) => means[row * R + index]!.add(logProb),
    },
    call,
  )
  return {
    logDensity: tensor(
      Float64Array.from(means, (mean) => mean.value()),
      [n, R],
    ),
    standardError: tensor(
      Float64Array.from(means, (mean) => mean.standardError()),
      [n, R],
    ),
  }
}

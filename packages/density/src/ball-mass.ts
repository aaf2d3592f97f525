// Probability masses of Lp balls around points, over radii.
import {
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  type LikelihoodModel,
  type NdArray,
  rowCount,
  rowSize,
  tensor,
} from '@ood/core'
import { type LogMean, logMean } from './internal/log-mean.ts'
import { perturbed } from './internal/perturbed.ts'
import { assertBall, drawInBall, lpBallLogVolume, type Norm } from './lp-ball.ts'

/** Options of `ballMass`. */
export interface BallMassOptions extends CallOptions {
  /** Radii in units of the density's space (published: 200 from 0.001 to 0.2). */
  radii: ArrayLike<number>
  /** Norm of the ball (default 2). */
  p?: Norm | undefined
  /** Points a row and radius (default 100). */
  samples?: number | undefined
}

/** Masses of balls of N rows and R radii. */
export interface BallMasses {
  /** ln of the mass of the ball, [N, R]. */
  logMass: NdArray<Float64Array>
  /** ln of the mean density in the ball, [N, R]: the mass without the volume. */
  logDensity: NdArray<Float64Array>
  /** Standard error of both, [N, R]; NaN for one sample. */
  standardError: NdArray<Float64Array>
  /** ln of the volumes, [R]. */
  logVolume: Float64Array
}

/**
 * Mass of the Lp ball of each radius around each row by Monte Carlo,
 *
 *     ln P(B_r(x)) ≈ ln V(r) + ln (1/n) Σ_k p(x + r u_k),   u_k uniform in the unit ball
 *
 * the published trend of probability mass. The same u_k serve all radii, so differences along the trend carry little
 * noise; the mean is taken in logarithms as numbers arrive. Row i's points depend on (seed, rows[i]) only.
 *
 * In many dimensions nearly all of a ball lies at its surface and a mean over 100 points sees its largest term only: the
 * standard error says so. `nestedBallMass` is built for that case.
 *
 * @param model - log p of real rows, such as `flow.density`
 * @param x - [N, ...dataShape], in that space
 * @throws OodError `E_ARGUMENT`; `E_NOT_FINITE` when log p is NaN or Infinity, naming the row
 *
 * Cost: samples · R evaluations a row; memory of 256 points.
 * @example
 * const { logMass } = await ballMass(flow.density, v, { radii: [0.05, 0.1, 0.2], samples: 100 })
 */
export async function ballMass(model: LikelihoodModel, x: NdArray, options: BallMassOptions): Promise<BallMasses> {
  assertOptions('ballMass', options, [...CALL_OPTIONS, 'radii', 'p', 'samples'])
  const { radii, p = 2, samples = 100, ...call } = options
  for (const radius of radiiOf(radii)) assertBall('ballMass', radius, p)
  const [n, R] = [rowCount(x, 'ballMass'), radii.length]
  const means: LogMean[] = Array.from({ length: n * R }, logMean)
  const cloud = {
    what: 'ballMass',
    samples,
    scales: radii,
    draw: (rng: Parameters<typeof drawInBall>[0], out: Float64Array, at: number, d: number) =>
      drawInBall(rng, p, out, at, d),
    take: (logProb: number, row: number, index: number) => means[row * R + index]!.add(logProb),
  }
  await perturbed(model, x, cloud, call)
  const logVolume = Float64Array.from(radii, (radius) => lpBallLogVolume(rowSize(x), radius, p))
  const logDensity = Float64Array.from(means, (mean) => mean.value())
  return {
    logMass: tensor(
      logDensity.map((value, i) => value + logVolume[i % R]!),
      [n, R],
    ),
    logDensity: tensor(logDensity, [n, R]),
    standardError: tensor(
      Float64Array.from(means, (mean) => mean.standardError()),
      [n, R],
    ),
    logVolume,
  }
}

/** The radii as a list, at least one. */
function radiiOf(radii: ArrayLike<number>): number[] {
  const list = Array.from(radii ?? [])
  return list.length > 0 ? list : [Number.NaN]
}

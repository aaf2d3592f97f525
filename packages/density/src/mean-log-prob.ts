// log p averaged over noise draws: dequantised likelihoods are random numbers, and one draw is one of them.
import {
  assertCount,
  assertOptions,
  CALL_OPTIONS,
  type CallOptions,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  random,
  rowCount,
} from '@ood/core'
import { type LogMean, logMean } from './internal/log-mean.ts'

/** Options of `meanLogProb`. */
export interface MeanLogProbOptions extends CallOptions {
  /** Noise draws K (default 8; the reference's pictures average 40). */
  draws?: number | undefined
  /** Further options of the model's `logProb`, such as `{ space: 'model' }` of a flow. */
  logProb?: Readonly<Record<string, unknown>> | undefined
}

/** Averages over draws, a number a row. */
export interface MeanLogProb {
  /** Mean of log p over the draws: the bound that dequantisation trains and reports, with less noise. */
  mean: Float64Array
  /** Standard error of the mean; NaN for one draw. */
  standardError: Float64Array
  /** ln of the mean of p: nearer to log p of the byte itself (never below `mean`), as importance weighting makes it. */
  logMean: Float64Array
}

/**
 * log p of every row averaged over K draws of its noise, as flows are evaluated in Kirichenko et al. 2020. Draw k of
 * row i depends on (seed, k, rows[i]) only: the first draws of a larger K are the same.
 *
 * @param model - a model whose `logProb` takes `seed`
 * @throws OodError `E_ARGUMENT` draws; `E_NOT_FINITE` when a draw gives NaN, naming the row; what the model throws
 *
 * Cost: K sweeps of the model.
 * @example
 * const { mean, standardError } = await meanLogProb(flow, images, { draws: 16, seed: 3 })
 */
export async function meanLogProb(
  model: LikelihoodModel,
  x: NdArray,
  options: MeanLogProbOptions = {},
): Promise<MeanLogProb> {
  assertOptions('meanLogProb', options, [...CALL_OPTIONS, 'draws', 'logProb'])
  const { draws = 8, logProb = {}, seed = 0, onProgress, ...call } = options
  assertCount('meanLogProb draws', draws)
  const n = rowCount(x, 'meanLogProb')
  const mean = new Float64Array(n)
  const squares = new Float64Array(n)
  const means: LogMean[] = Array.from({ length: n }, logMean)
  for (let k = 0; k < draws; k++) {
    const { instance } = await model.logProb(x, { ...call, ...logProb, seed: drawSeed(seed, k) })
    for (const [row, value] of instance.entries()) {
      if (Number.isNaN(value)) throw mismatch('E_NOT_FINITE', 'meanLogProb', 'numbers', `NaN in row ${row}, draw ${k}`)
      means[row]!.add(value)
      if (!Number.isFinite(value + mean[row]!)) {
        // One draw of density 0 makes the mean -Infinity, whatever the others are.
        mean[row] = mean[row]! + value
        squares[row] = Number.NaN
        continue
      }
      // Welford's update.
      const before = value - mean[row]!
      mean[row] = mean[row]! + before / (k + 1)
      squares[row] = squares[row]! + before * (value - mean[row]!)
    }
    onProgress?.({ done: k + 1, total: draws, label: 'meanLogProb' })
  }
  return {
    mean,
    standardError: squares.map((sum) => (draws < 2 ? Number.NaN : Math.sqrt(sum / (draws - 1) / draws))),
    logMean: Float64Array.from(means, (value) => value.value()),
  }
}

/** The seed of draw k. Draw 0 has the seed itself, so K = 1 is the plain log p. */
function drawSeed(seed: number, k: number): number {
  return k === 0
    ? seed
    : random(seed)
        .fork('draw')
        .fork(k)
        .integer(2 ** 52)
}

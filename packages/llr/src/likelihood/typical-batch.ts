// Typicality of whole batches: is the mean log-likelihood of M points what M points of the data would have?
import { assertOptions, mismatch, random } from '@ood/core'
import { calibration } from '@ood/detect'
import { entropyOf } from './typicality.ts'

/** Parts of the batch test. */
export interface TypicalBatchOptions {
  /** log p of training rows: they give the entropy. */
  training: ArrayLike<number>
  /** log p of held-out rows of the same data: they give the threshold. */
  validation: ArrayLike<number>
  /** Rows in a batch, M. */
  size: number
  /** Bootstrap batches of M validation rows, drawn with replacement, K (default 1000). */
  resamples?: number | undefined
  /** Share of in-distribution batches to accept (default 0.99). */
  confidence?: number | undefined
  /** Seed of the bootstrap (default 0). */
  seed?: number | undefined
}

/** A fitted batch test. */
export interface TypicalBatch {
  /** Ĥ in nats. */
  readonly entropy: number
  /** Largest statistic that passes. */
  readonly threshold: number
  readonly size: number
  /** Judges one batch by the log-probabilities of its M rows. */
  test(logProb: ArrayLike<number>): { statistic: number; pValue: number; isOutlier: boolean }
}

/**
 * The typicality test for batches of M rows (Nalisnick et al. 2019, arXiv 1906.02994, algorithm 1):
 *
 *     statistic = |(1/M) sum_m -log p(x_m) - Ĥ|
 *
 * with the threshold at quantile `confidence` of the same statistic on K bootstrap batches of the validation rows. Power
 * grows with M, since means of M log-likelihoods spread by 1/sqrt(M). The p-value is (1 + #{bootstrap >= statistic}) /
 * (K + 1). Cost: K M additions.
 *
 * @throws OodError `E_EMPTY`, `E_NOT_FINITE`, `E_ARGUMENT`; from `test`: `E_SHAPE` for a batch of another size
 * @example
 * const batches = typicalBatch({ training: trainLogProb, validation: heldOutLogProb, size: 25 })
 * batches.test(logProbOf25Images).isOutlier
 */
export function typicalBatch(options: TypicalBatchOptions): TypicalBatch {
  assertOptions('typicalBatch', options, ['training', 'validation', 'size', 'resamples', 'confidence', 'seed'])
  const { training, validation, size, resamples = 1000, confidence = 0.99, seed = 0 } = options
  for (const [what, value] of Object.entries({ size, resamples }))
    if (!(Number.isSafeInteger(value) && value > 0))
      throw mismatch('E_ARGUMENT', `typicalBatch ${what}`, 'a positive whole number', value)
  if (!(confidence > 0 && confidence < 1))
    throw mismatch('E_ARGUMENT', 'typicalBatch confidence', 'a number in (0, 1)', confidence)
  entropyOf(validation, 'validation log-probabilities') // refuses infinities by row
  const entropy = entropyOf(training)
  const rng = random(seed).fork('typical-batch')
  const statistics = new Float64Array(resamples)
  for (let k = 0; k < resamples; k++) {
    let sum = 0
    for (let m = 0; m < size; m++) sum += validation[rng.integer(validation.length)]!
    statistics[k] = Math.abs(-sum / size - entropy)
  }
  const known = calibration(statistics)
  const threshold = known.threshold({ percentile: 100 * confidence })
  return {
    entropy,
    threshold,
    size,
    test(logProb) {
      if (logProb.length !== size) throw mismatch('E_SHAPE', 'typicalBatch test', `${size} rows`, logProb.length)
      let sum = 0
      for (let m = 0; m < size; m++) sum += logProb[m]!
      if (Number.isNaN(sum))
        throw mismatch('E_NOT_FINITE', 'typicalBatch test', 'log-probabilities', 'NaN in their sum')
      const statistic = Math.abs(-sum / size - entropy)
      const pValue = known.pValues([statistic])[0]!
      return { statistic, pValue, isOutlier: statistic > threshold }
    },
  }
}

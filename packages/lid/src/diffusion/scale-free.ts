// An estimate that has no scale, in the place of an estimator that has one.
import { type CallOptions, type LidEstimator, mismatch, type NdArray, rowCount } from '@ood/core'
import { lidColumn } from '../internal/lid-column.ts'

/**
 * Wraps one LID a point, from whatever computes it, as a `LidEstimator` that gives it at every scale: what FPRegress, a
 * LIDL ensemble, a model-free estimate or FLIPD at one chosen time need to take part in curves and detectors.
 *
 * @param estimate - LID of each row
 * @throws OodError from `prepare`: `E_SHAPE` when the numbers are not as many as the rows
 * @example
 * const estimator = scaleFreeLid(async (x, call) => (await fpRegress(model, x, { ...call, probes: 50 })).lid)
 * const both = detector(likelihoodLid({ model: likelihood, estimator, scale: 0 }))
 */
export function scaleFreeLid(
  estimate: (x: NdArray, options?: CallOptions) => Promise<Float64Array>,
): LidEstimator<Float64Array> {
  return {
    async prepare(x, options) {
      const lid = await estimate(x, options)
      if (lid.length !== rowCount(x)) throw mismatch('E_SHAPE', 'scaleFreeLid', `${rowCount(x)} LIDs`, lid.length)
      return lid
    },
    lid: (artifact) => artifact.slice(),
    columns: lidColumn,
  }
}

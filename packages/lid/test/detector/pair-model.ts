// A model and an estimator whose pairs of log p and LID are the two numbers of a row.
import { type LidEstimator, type LikelihoodModel, rowCount, tensor } from '@ood/core'

/**
 * A model of pairs: row (l, r) has log p = l, and of its D = 50 log singular values those above `scale` number
 * about 50 / (1 + e^{scale - r}): a smooth curve in the scale that differs from point to point.
 */
export const model: LikelihoodModel = {
  logProb: async (x) => ({ instance: Float64Array.from({ length: rowCount(x) }, (_, i) => x.get(i, 0)) }),
}
export const estimator: LidEstimator<Float64Array> = {
  prepare: async (x) => Float64Array.from({ length: rowCount(x) }, (_, i) => x.get(i, 1)),
  lid: (artifact, scale) => artifact.map((r) => 50 / (1 + Math.exp(scale - r))),
  columns: {
    names: ['r'],
    pack: (r) => ({ r: tensor(r, [r.length]) }),
    unpack: ({ r }) => Float64Array.from({ length: rowCount(r!) }, (_, i) => r!.get(i)),
  },
}

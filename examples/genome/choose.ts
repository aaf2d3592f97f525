// Every choice of the example: the thresholds. This file is handed validation sequences and nothing else.
import { mismatch } from '@ood/core'
import { calibration } from '@ood/detect'
import { falsePositiveRateOf } from '../common/judge.ts'
import { byName } from '../common/splits.ts'
import type { Measured } from './measure.ts'

/** Scores compared, all with higher = more OOD. */
export const methods = ['ratio', 'likelihood', 'background', 'gc'] as const
export type Method = (typeof methods)[number]

/** Scores of one split by method. */
export type Scores = Record<Method, Float64Array>

/** Share of OOD sequences in the validation batch that thresholds are inferred from, as in the reference's example. */
export const OUTLIER_PERCENTAGE = 30

/** Most sequences of that batch. */
const BATCH = 1000

/** Everything chosen. */
export type Choices = ReturnType<typeof choose>

/** Scores of a measured split; `gc` is how far the G and C content is from one half, which no model is needed for. */
export function scoresOf({ semantic, background, score }: Measured, gcContent: Float64Array): Scores {
  return {
    ratio: score,
    likelihood: semantic.map((value) => -value),
    background: background.map((value) => -value),
    gc: gcContent.map((share) => -Math.abs(share - 0.5)),
  }
}

/** Chooses thresholds from in-distribution validation sequences and OOD ones of classes that no test sequence has. */
export function choose(inDistribution: Scores, ood: Scores) {
  const [most, others] = [inDistribution.ratio.length, ood.ratio.length]
  const inside = Math.floor(
    Math.min(
      (BATCH * (100 - OUTLIER_PERCENTAGE)) / 100,
      most,
      (others * (100 - OUTLIER_PERCENTAGE)) / OUTLIER_PERCENTAGE,
    ),
  )
  const outside = Math.round((inside * OUTLIER_PERCENTAGE) / (100 - OUTLIER_PERCENTAGE))
  if (outside < 1) throw mismatch('E_ARGUMENT', 'mixed validation batch', 'at least one OOD sequence', outside)
  const falsePositiveRate = falsePositiveRateOf(most)
  const thresholds = byName(methods, (method) => {
    const known = calibration(inDistribution[method])
    const batch = Float64Array.of(...inDistribution[method].subarray(0, inside), ...ood[method].subarray(0, outside))
    return {
      /** Percentile 70 of a batch of which 30 % are outliers: what is considered normal is 70 %. */
      normal: calibration(batch).threshold({ percentile: 100 - OUTLIER_PERCENTAGE }),
      /** Percentile 30 of it: the reference's example passes the outlier percentage. For comparison. */
      reference: calibration(batch).threshold({ percentile: OUTLIER_PERCENTAGE }),
      /** (1 - 5 %) quantile of in-distribution sequences alone. */
      clean: known.threshold({ falsePositiveRate }),
    }
  })
  return {
    thresholds,
    /** In-distribution and OOD validation sequences of the mixed batch. */
    batch: [inside, outside] as const,
    /** False positive rate of the clean thresholds. */
    falsePositiveRate,
  }
}

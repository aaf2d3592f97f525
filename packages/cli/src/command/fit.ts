// `ood fit`: fits the likelihood + LID detector on training images and stores it as JSON.
import { mismatch, rowCount } from '@ood/core'
import type { StoredDetector } from '@ood/detect'
import type { PairRuleName, ScaleRuleName } from '@ood/lid'
import type { Space } from '@ood/models-flow'
import { writeFileAtomic } from '@ood/run'
import { type WorkOptions, withFlow } from './work.ts'

/** Options of `fitDetector`. */
export interface FitOptions extends WorkOptions {
  /** A rule, or the scale itself. */
  scale: ScaleRuleName | number
  rule: PairRuleName | 'localMass'
  /** Space of the log-likelihoods. */
  space: Space
  /** Share of the training images that the stored threshold rejects. */
  falsePositiveRate: number
  /** File of the fitted detector. */
  out: string
}

/**
 * Fits the detector on training images: log p and the LID artifact of each (batch by batch, resumable), a scale from
 * them alone, then the pair rule and its threshold.
 *
 * @throws OodError as the model, the scale rule and `fitPairs` do
 */
export async function fitDetector(options: FitOptions): Promise<StoredDetector> {
  const { detector, measure } = await import('@ood/detect')
  const { likelihoodLid, thresholdLid } = await import('@ood/lid')
  const { out, seed, space, scale, rule, falsePositiveRate } = options
  return withFlow(out, { command: 'fit', space }, options, async ({ flow, images, batches }) => {
    if (falsePositiveRate * rowCount(images) < 1)
      throw mismatch('E_ARGUMENT', '--fpr', `at least 1/${rowCount(images)} with so many images`, falsePositiveRate)
    const method = likelihoodLid({ model: flow, logProb: { space }, estimator: thresholdLid(flow), scale, rule })
    const columns = await batches('fit', (x, rows) => measure(method, x, { seed, rows }))
    const both = detector(method)
    await both.fit({ columns })
    await both.inferThreshold({ columns }, falsePositiveRate)
    const stored = both.toJSON()
    writeFileAtomic(out, `${JSON.stringify(stored, null, 2)}\n`)
    return stored
  })
}

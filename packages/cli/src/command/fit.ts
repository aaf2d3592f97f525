// `ood fit`: fits the likelihood + LID detector on training images and stores it as JSON.
import { mismatch, rowCount } from '@ood/core'
import type { FlowArtifact, LikelihoodLidState, PairRuleName, ScaleChoice, TrainingLid } from '@ood/lid'
import type { Space } from '@ood/models-flow'
import { writeFileAtomic } from '@ood/run'
import { type WorkOptions, withFlow } from './work.ts'

/** Scale rules by the name the command takes. */
export type ScaleRuleName = 'coupling' | 'knee' | 'plateau'

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

/** The stored detector: what `likelihoodLidDetector` goes on from, and the model it belongs to. */
export interface StoredDetector {
  schemaVersion: 1
  model: string
  /** SHA-256 of the model's graphs by file; `ood score` refuses another model. */
  sha256: Record<string, string>
  space: Space
  detector: LikelihoodLidState
}

/**
 * Fits the detector on training images: log p and the LID artifact of each (batch by batch, resumable), a scale from
 * them alone, then the pair rule and its threshold.
 *
 * @throws OodError as the model, the scale rule and `pairDetector` do
 */
export async function fitDetector(options: FitOptions): Promise<StoredDetector> {
  const lid = await import('@ood/lid')
  const { out, seed, space, scale, rule, falsePositiveRate } = options
  return withFlow(out, { command: 'fit', space }, options, async ({ flow, images, batches }) => {
    if (falsePositiveRate * rowCount(images) < 1)
      throw mismatch('E_ARGUMENT', '--fpr', `at least 1/${rowCount(images)} with so many images`, falsePositiveRate)
    const { logProb, ...artifact } = await batches('fit', async (x, rows) => {
      const { instance } = await flow.logProb(x, { seed, rows, space })
      const metric = await flow.decoder.tridiagonalMetric(await flow.encode(x, { seed, rows }))
      return { logProb: instance, ...metric }
    })
    // The detector asks its parts for all images at once; they answer from what was stored.
    const detector = lid.likelihoodLidDetector<FlowArtifact>({
      model: { logProb: async () => ({ instance: logProb }) },
      estimator: { prepare: async () => artifact, lid: lid.thresholdDimension },
      scale: typeof scale === 'number' ? scale : (training) => choose(lid, scale, training),
      rule,
    })
    await detector.fit(images)
    await detector.inferThreshold(images, falsePositiveRate)
    const { name, sha256 } = flow.manifest
    const stored: StoredDetector = { schemaVersion: 1, model: name, sha256, space, detector: detector.toJSON() }
    writeFileAtomic(out, `${JSON.stringify(stored, null, 2)}\n`)
    return stored
  })
}

function choose(lid: typeof import('@ood/lid'), rule: ScaleRuleName, training: TrainingLid): ScaleChoice {
  if (rule === 'coupling') return lid.couplingScale(training)
  return rule === 'knee' ? lid.kneeScale(training.curve()) : lid.plateauScale(training.curve())
}

// `ood score`: log-likelihood, LID and the fitted detector's verdict for every image, as CSV columns.
import { readFileSync } from 'node:fs'
import { mismatch, OodError } from '@ood/core'
import type { Space } from '@ood/models-flow'
import { type Columns, canonicalJson, csvText, writeFileAtomic } from '@ood/run'
import type { StoredDetector } from './fit.ts'
import { type WorkOptions, withFlow } from './work.ts'

/** Options of `scoreImages`. */
export interface ScoreOptions extends WorkOptions {
  /** Space of the log-likelihoods; the detector's own when there is one, else `pixel`. */
  space?: Space | undefined
  /** Also the LID at this scale. */
  lidScale?: number | undefined
  /** File that `ood fit` wrote: adds LID at its scale, score, p-value and verdict. */
  detector?: string | undefined
  /** CSV file; without it nothing is stored. */
  out?: string | undefined
}

/**
 * Scores images. Columns: `image`, `likelihood` (nats), `bits_per_dim`, then `JacobianThresholdLID` with a scale or a
 * detector, then `score` (higher = more out-of-distribution), `p_value` and `is_outlier` with a detector.
 *
 * @throws OodError as the model and the reader of the images do; `E_FILE` for a file that is no detector;
 *   `E_ARGUMENT` for a detector of another model, or options that contradict it
 */
export async function scoreImages(options: ScoreOptions): Promise<Columns> {
  const lid = await import('@ood/lid')
  const { seed, out } = options
  const stored = options.detector === undefined ? undefined : readDetector(options.detector)
  if (stored && (options.space ?? stored.space) !== stored.space)
    throw mismatch('E_ARGUMENT', '--space', `${stored.space} as in ${options.detector}`, options.space)
  if (stored && options.lidScale !== undefined)
    throw mismatch('E_ARGUMENT', '--lid', 'no scale beside a detector, which has its own', options.lidScale)
  const space = stored?.space ?? options.space ?? 'pixel'
  const scale = stored?.detector.choice.scale ?? options.lidScale
  const config = { command: 'score', space, scale: scale ?? null }
  return withFlow(out, config, options, async ({ flow, images, names, batches }) => {
    if (stored && canonicalJson(stored.sha256) !== canonicalJson(flow.manifest.sha256))
      throw mismatch(
        'E_ARGUMENT',
        options.detector!,
        `a detector of ${flow.manifest.name}`,
        `one of another ${stored.model}`,
      )
    const measured = await batches('score', async (x, rows) => {
      const { instance: likelihood } = await flow.logProb(x, { seed, rows, space })
      const bits = await flow.bitsPerDim(x, { seed, rows })
      const common = { likelihood, bits_per_dim: bits }
      if (scale === undefined) return common
      const metric = await flow.decoder.tridiagonalMetric(await flow.encode(x, { seed, rows }))
      return { ...common, JacobianThresholdLID: lid.thresholdDimension(metric, scale) }
    })
    const columns: Columns = { image: names, ...(measured as Record<string, Float64Array>) }
    const all = stored ? { ...columns, ...(await verdicts(measured)) } : columns
    if (out) writeFileAtomic(out, csvText(all))
    return all

    async function verdicts({ likelihood, JacobianThresholdLID }: Record<string, Float64Array>): Promise<Columns> {
      const detector = lid.likelihoodLidDetector(
        {
          model: { logProb: async () => ({ instance: likelihood! }) },
          estimator: { prepare: async () => JacobianThresholdLID!, lid: (values) => values },
          scale: 0,
        },
        stored!.detector,
      )
      const { data } = await detector.predict(images)
      return {
        score: data.instanceScore ?? [],
        ...(data.pValue && { p_value: data.pValue }),
        ...(data.isOutlier && { is_outlier: data.isOutlier }),
      }
    }
  })
}

/** Reads what `ood fit` wrote. */
function readDetector(path: string): StoredDetector {
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as StoredDetector
    if (stored.schemaVersion !== 1 || stored.detector?.name !== 'LikelihoodLidDetector')
      throw new Error('other contents')
    return stored
  } catch (cause) {
    const reason = (cause as Error).message.split(/[,\n]/)[0]
    throw new OodError('E_FILE', `${path}: expected a detector that ood fit wrote, got ${reason}`, { cause })
  }
}

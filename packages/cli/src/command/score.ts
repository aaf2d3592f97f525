// `ood score`: log-likelihood, LID and the fitted detector's verdict for every image, as CSV columns.
import { readFileSync, statSync } from 'node:fs'
import { canonicalJson, mismatch, type NdArray, OodError } from '@ood/core'
import type { Method } from '@ood/detect'
import { type PairRuleName, type ScaleRuleName, upgradeStored } from '@ood/lid'
import type { Flow, Space } from '@ood/models-flow'
import { type Columns, csvText, writeFileAtomic } from '@ood/run'
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
 * Scores images. Columns: `image`, `log_prob_pixel` or `log_prob_model` (nats, named by the space of the density; the
 * detector's own when there is one), `bits_per_dim`, then `JacobianThresholdLID` with a scale or a detector, then `score` (higher = more out-of-distribution), `p_value` and `is_outlier` with a detector.
 *
 * @throws OodError as the model and the reader of the images do; `E_FILE` for a file that is no detector;
 *   `E_ARGUMENT` for a detector of another model, or options that contradict it
 */
export async function scoreImages(options: ScoreOptions): Promise<Columns> {
  const { measure, restoreDetector } = await import('@ood/detect')
  const { likelihoodLid, thresholdDimension, thresholdLid } = await import('@ood/lid')
  const { seed, out } = options
  const stored = options.detector === undefined ? undefined : readDetector(options.detector)
  if (stored && (options.space ?? stored.space) !== stored.space)
    throw mismatch('E_ARGUMENT', '--space', `${stored.space} as in ${options.detector}`, options.space)
  if (stored && options.lidScale !== undefined)
    throw mismatch('E_ARGUMENT', '--lid', 'no scale beside a detector, which has its own', options.lidScale)
  const space = stored?.space ?? options.space ?? 'pixel'
  const scale = stored?.scale ?? options.lidScale
  const config = { command: 'score', space, scale: scale ?? null }
  return withFlow(out, config, options, async ({ flow, names, batches }) => {
    stored?.assertModel(flow.manifest)
    const method = likelihoodLid({
      model: flow,
      logProb: { space },
      estimator: thresholdLid(flow),
      scale: stored?.settings.scale ?? scale ?? 0,
      rule: stored?.settings.rule,
    })
    const detector = stored && restoreDetector(stored.state(method), method)
    const measured = await batches('score', async (x, rows) => {
      const bits = await flow.bitsPerDim(x, { seed, rows })
      if (scale === undefined)
        return { likelihood: (await flow.logProb(x, { seed, rows, space })).instance, bits_per_dim: bits }
      const columns = await measure(method, x, { seed, rows })
      const { 'model.logProb': likelihood, ...artifact } = columns
      return { likelihood: likelihood as Float64Array, bits_per_dim: bits, ...(artifact as Record<string, NdArray>) }
    })
    const { likelihood, bits_per_dim, ...artifact } = measured as Record<string, Float64Array | NdArray<Float64Array>>
    const lid = (name: string): NdArray<Float64Array> => artifact[`lid.${name}`] as NdArray<Float64Array>
    const columns: Record<string, Columns[string]> = {
      image: names,
      [`log_prob_${space}`]: likelihood as Float64Array,
      bits_per_dim: bits_per_dim as Float64Array,
    }
    if (scale !== undefined)
      columns.JacobianThresholdLID = thresholdDimension(
        { diagonal: lid('diagonal'), offDiagonal: lid('offDiagonal'), rotated: lid('rotated') },
        scale,
      )
    if (detector) {
      const { data } = await detector.predict({ columns: { 'model.logProb': likelihood!, ...artifact } })
      columns.score = data.instanceScore!
      if (data.pValue) columns.p_value = data.pValue
      if (data.isOutlier) columns.is_outlier = data.isOutlier
    }
    if (out) writeFileAtomic(out, csvText(columns))
    return columns
  })
}

/** What `ood fit` wrote, in today's form or in that of version 0.1. */
interface ReadDetector {
  space: Space
  scale: number
  settings: { scale: number | ScaleRuleName; rule: PairRuleName | 'localMass' | undefined }
  /** Throws for another model where the file has a form that `restoreDetector` does not compare. */
  assertModel(manifest: Flow['manifest']): void
  state(method: Pick<Method, 'name' | 'settings'>): unknown
}

function readDetector(path: string): ReadDetector {
  try {
    // Reading a pipe would wait for ever.
    if (!statSync(path).isFile()) throw new Error('a folder or special file')
    const stored = JSON.parse(readFileSync(path, 'utf8'))
    if (stored?.schemaVersion === 1 && stored.detector?.name === 'LikelihoodLidDetector') {
      const { choice } = stored.detector
      return {
        space: stored.space,
        scale: choice.scale,
        settings: { scale: choice.scale, rule: undefined },
        assertModel({ name, sha256 }) {
          if (canonicalJson(stored.sha256 ?? null) !== canonicalJson(sha256))
            throw mismatch('E_ARGUMENT', path, `a detector of ${name}`, `one of another ${stored.model}`)
        },
        state: (method) => upgradeStored(stored.detector, method),
      }
    }
    if (stored?.format !== 'ood-detector' || stored.method?.name !== 'LikelihoodLid') throw new Error('other contents')
    const { scale, rule, logProb } = stored.method.settings
    return {
      space: logProb?.space ?? 'pixel',
      scale: stored.fit.choice.scale,
      settings: { scale, rule },
      assertModel: () => {},
      state: () => stored,
    }
  } catch (cause) {
    const reason = (cause as Error).message.split(/[,\n]/)[0]
    throw new OodError('E_FILE', `${path}: expected a detector that ood fit wrote, got ${reason}`, { cause })
  }
}

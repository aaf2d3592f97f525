// `ood score --detector` of any method of the registry: score, p-value, verdict and reason of every image.
import { mismatch } from '@ood/core'
import type { Models, Role } from '@ood/methods'
import { type Columns, csvText, writeFileAtomic } from '@ood/run'
import { ofFile, type ReadDetectorFile } from './detector-file.ts'
import { type ImagesOptions, readImages } from './images.ts'
import { type ModelsOptions, withModels } from './models.ts'
import { workInRun } from './work.ts'

/** Options of `scoreWithDetector`. */
export interface ScoreMethodOptions extends ModelsOptions, Omit<ImagesOptions, 'shape'> {
  images: string
  seed: number
  batchSize: number
  /** CSV file; without it nothing is stored. */
  out?: string | undefined
}

/**
 * Scores images: columns `image`, `score` (higher = more out-of-distribution), `p_value`, `is_outlier`, and `reason`, the
 * statistic that adds most to the score, where the method can say. Every model runs once an image.
 *
 * @throws OodError as the models and the reader do; `E_ARGUMENT` when the models are not those of the detector
 */
export async function scoreWithDetector(stored: ReadDetectorFile, options: ScoreMethodOptions): Promise<Columns> {
  const { restoreDetector } = await import('@ood/detect')
  const { createMeasurer, makeMethod, methods } = await import('@ood/methods')
  const roles = new Set(methods.flatMap((entry) => entry.roles))
  const { seed, batchSize, out, signal, onProgress } = options
  return withModels(options, async ({ models, opened, shape, anyLength }) => {
    // A combination is over the models that are there: only those it was fitted with.
    const known = Object.keys(stored.models).filter((role): role is Role => role in models)
    const missing = Object.keys(stored.models).find((role) => roles.has(role as Role) && !(role in models))
    if (missing !== undefined)
      throw mismatch(
        'E_ARGUMENT',
        '--model',
        `one of role ${missing} (${stored.models[missing]})`,
        opened.map(({ role }) => role).join(', '),
      )
    const given = known.length > 0 ? (Object.fromEntries(known.map((role) => [role, models[role]])) as Models) : models
    const method = makeMethod(stored.registryName, given)
    const detector = ofFile(stored.path, () => restoreDetector(stored, method))
    const { images, names } = await readImages(options.images, { ...options, shape, anyLength })
    detector.assertData(images)
    const config = { command: 'score', detector: stored.models, fit: stored.fit, seed, batchSize }
    return workInRun(out, config, { images }, async (run) => {
      const measurer = createMeasurer({ store: run, seed, batchSize, signal, onProgress })
      const columns = await measurer.measure(method.needs(detector.learnt), 'images', images)
      const { data } = await detector.predict({ columns }, { returnFeatureScore: false })
      const found: Record<string, Columns[string]> = { image: names, score: data.instanceScore! }
      if (data.pValue) found.p_value = data.pValue
      if (data.isOutlier) found.is_outlier = data.isOutlier
      if (method.explain) {
        const { parts, values } = await detector.explain({ columns })
        found.reason = names.map((_, row) => {
          let best = 0
          for (let k = 1; k < parts.length; k++) if (values.get(row, k) > values.get(row, best)) best = k
          return parts[best]!
        })
      }
      if (out) writeFileAtomic(out, csvText(found))
      return found
    })
  })
}

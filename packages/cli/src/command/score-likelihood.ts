// `ood score` of a model that is no flow: the log-likelihood of every image or sequence.
import { mismatch, rowSize } from '@ood/core'
import { logProbOf, vector } from '@ood/detect'
import { type Columns, csvText, writeFileAtomic } from '@ood/run'
import { type ImagesOptions, readImages } from './images.ts'
import { type ModelsOptions, withModels } from './models.ts'
import { workInRun } from './work.ts'

/** Options of `scoreLikelihood`. */
interface ScoreLikelihoodOptions extends ModelsOptions, Omit<ImagesOptions, 'shape' | 'anyLength'> {
  images: string
  seed: number
  batchSize: number
  /** CSV file; without it nothing is stored. */
  out?: string | undefined
}

/**
 * Columns `image`, `log_prob` (nats, of the raw row) and `bits_per_dim`, or for sequences `bits_per_token`, where the
 * first token is given and not counted. A diffusion model's is the ODE's with one probe: slow, and the density of the
 * data with a little noise.
 *
 * @throws OodError as the model and the reader do
 */
export async function scoreLikelihood(options: ScoreLikelihoodOptions): Promise<Columns> {
  const { createMeasurer } = await import('@ood/methods')
  const { seed, batchSize, out, signal, onProgress } = options
  return withModels(options, async ({ opened, shape, anyLength }) => {
    const { role, model, manifest } = opened[0]!
    if (!('logProb' in model))
      throw mismatch(
        'E_UNSUPPORTED',
        manifest.name,
        'a model with log-likelihoods, or --detector with what ood fit wrote',
        `kind ${manifest.kind}${role === 'classifier' ? ' (ood features writes its features)' : ''}`,
      )
    const needs = { model: logProbOf(model, role === 'diffusion' ? { probes: 1 } : {}) }
    const { images, names } = await readImages(options.images, { ...options, shape, anyLength })
    const config = { command: 'score', model: manifest.sha256, seed, batchSize }
    return workInRun(out, config, { images }, async (run) => {
      const measurer = createMeasurer({ store: run, seed, batchSize, signal, onProgress })
      const columns = await measurer.measure(needs, 'images', images)
      const logProb = vector(columns, 'model.logProb')
      const sequences = manifest.kind === 'sequence'
      const size = sequences ? rowSize(images) - 1 : rowSize(images)
      const found: Columns = {
        image: names,
        log_prob: logProb,
        [sequences ? 'bits_per_token' : 'bits_per_dim']: logProb.map((nats) => -nats / (size * Math.LN2)),
      }
      if (out) writeFileAtomic(out, csvText(found))
      return found
    })
  })
}

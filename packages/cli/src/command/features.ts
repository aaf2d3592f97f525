// `ood features`: the features and logits of images under a classifier, as a .npz file.
import { flatData, mismatch, rowCount } from '@ood/core'
import { array, featuresOf } from '@ood/detect'
import { type ClassifierFlags, classifierOptions } from './classifier-options.ts'
import { type ImagesOptions, readImages } from './images.ts'
import { withModels } from './models.ts'
import { workInRun } from './work.ts'

/** Options of `extractFeatures`. */
export interface FeaturesOptions extends Omit<ImagesOptions, 'shape' | 'anyLength'>, ClassifierFlags {
  /** An .onnx file, or a checkpoint folder of kind `classifier`. */
  model: string
  images: string
  seed: number
  batchSize: number
  device?: string | undefined
  workers?: number | undefined
  /** The .npz file. */
  out: string
}

/** What was written. */
export interface FeaturesReport {
  rows: number
  dimension: number
  classes: number
  /** Values of the graph that they are. */
  features: string
  logits: string
  out: string
}

/**
 * Writes the arrays `embeddings` [N, dimension] and `logits` [N, classes], float32, of every image: what a flow on
 * features is trained on and scores. Finished batches are kept until the file is there, so a killed command goes on.
 *
 * @throws OodError as `openClassifier` and the reader do; `E_ARGUMENT` for a model that is no classifier
 * @example
 * await extractFeatures({ model: 'resnet18.onnx', images: 'photos/', resize: true, out: 'photos.npz', seed: 0, batchSize: 32 })
 */
export async function extractFeatures(options: FeaturesOptions): Promise<FeaturesReport> {
  const { createMeasurer } = await import('@ood/methods')
  const { writeNpz } = await import('@ood/datasets')
  const { model: source, out, seed, batchSize, signal, onProgress } = options
  const opening = { ...options, models: [source], classifier: classifierOptions(options) }
  return withModels(opening, async ({ opened, shape }) => {
    const one = opened[0]!
    if (one.role !== 'classifier')
      throw mismatch('E_ARGUMENT', '--model', 'a classifier: an .onnx file, or a folder of that kind', `a ${one.role}`)
    const { model } = one
    const { images } = await readImages(options.images, { ...options, shape })
    const config = { command: 'features', model: model.manifest.sha256, seed, batchSize }
    return workInRun(out, config, { images }, async (run) => {
      const measurer = createMeasurer({ store: run, seed, batchSize, signal, onProgress })
      const columns = await measurer.measure({ classifier: featuresOf(model) }, 'images', images)
      const single = (name: string) => {
        const column = array(columns, `classifier.${name}`)
        return { data: Float32Array.from(flatData(column)), shape: column.shape }
      }
      await writeNpz(out, { embeddings: single('features'), logits: single('logits') })
      const { classes, dimension, values } = model
      return { rows: rowCount(images), dimension, classes, features: values.features, logits: values.logits, out }
    })
  })
}

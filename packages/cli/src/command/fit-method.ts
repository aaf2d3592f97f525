// `ood fit --method`: fits any method of the registry on training images and stores it as JSON.
import { mismatch, rowCount } from '@ood/core'
import type { Columns, Method } from '@ood/detect'
import { writeFileAtomic } from '@ood/run'
import type { DetectorFile } from './detector-file.ts'
import { type ImagesOptions, readImages } from './images.ts'
import { type ModelsOptions, withModels } from './models.ts'
import { workInRun } from './work.ts'

/** Options of `fitMethodFile`. */
export interface FitMethodOptions extends ModelsOptions, Omit<ImagesOptions, 'shape'> {
  /** Name in the registry (`ood methods`). */
  method: string
  /** Training images. */
  images: string
  /** Images of the same kind that the models were not trained on, for threshold and p-values; else the training images. */
  calibrate?: string | undefined
  /** Share of the calibration images that the threshold rejects. */
  falsePositiveRate: number
  seed: number
  batchSize: number
  /** File of the fitted detector. */
  out: string
}

/**
 * Fits and stores a detector. Every model runs once an image; what it measured is kept beside `out`, batch by batch,
 * until the detector is written, so that the same command goes on after a kill.
 *
 * @throws OodError as the models, the reader and the method do
 */
export async function fitMethodFile(options: FitMethodOptions): Promise<DetectorFile> {
  const { calibration, detector, fitMethod, heldOutScores, packNumbers } = await import('@ood/detect')
  const { createMeasurer, makeMethod, methodEntry } = await import('@ood/methods')
  const { method: name, out, seed, batchSize, falsePositiveRate, signal, onProgress } = options
  /** Threshold and reference from training images, each scored by a fit without it. */
  const trainingThreshold = (method: Method, columns: Columns, fit: unknown) => {
    const known = calibration(heldOutScores(method, columns, fit))
    return {
      threshold: known.threshold(falsePositiveRate),
      reference: packNumbers(known.scores),
      referenceOf: 'training' as const,
    }
  }
  return withModels(options, async ({ models, opened, shape, anyLength }) => {
    const method = makeMethod(name, models)
    const { images: train } = await readImages(options.images, { ...options, shape, anyLength })
    const rows = train.shape.slice(1)
    const heldOut = options.calibrate
      ? (await readImages(options.calibrate, { ...options, shape: rows })).images
      : undefined
    const calibrationImages = rowCount(heldOut ?? train)
    if (falsePositiveRate * calibrationImages < 1)
      throw mismatch('E_ARGUMENT', '--fpr', `at least 1/${calibrationImages} with so many images`, falsePositiveRate)
    // Columns are stored by key, so what another method over the same models and images measured is of use, too.
    const config = { command: 'fit', models: opened.map(({ manifest }) => manifest.sha256), seed, batchSize }
    return workInRun(out, config, { train, ...(heldOut ? { calibrate: heldOut } : {}) }, async (run) => {
      const measurer = createMeasurer({ store: run, seed, batchSize, signal, onProgress })
      const { fit, columns } = await fitMethod(method, (needs) => measurer.measure(needs, 'train', train))
      const found = detector({ ...method, initial: fit })
      if (heldOut) {
        const scored = await measurer.measure(method.needs(fit), 'calibrate', heldOut)
        await found.inferThreshold({ columns: scored }, falsePositiveRate)
      }
      const state = found.toJSON()
      const stored: DetectorFile = {
        ...state,
        ...(heldOut ? {} : trainingThreshold(method, columns, fit)),
        data: { ...state.data, shape: rows },
        registryName: methodEntry(name).name,
      }
      writeFileAtomic(out, `${JSON.stringify(stored, null, 2)}\n`)
      return stored
    })
  })
}

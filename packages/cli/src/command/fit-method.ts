// `ood fit --method`: fits any method of the registry on training images and stores it as JSON.
import { mismatch, rowCount } from '@ood/core'
import type { Columns, Method } from '@ood/detect'
import { writeFileAtomic } from '@ood/run'
import type { DetectorFile } from './detector-file.ts'
import { type ImagesOptions, readImages } from './images.ts'
import { type ModelsOptions, withModels } from './models.ts'

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
 * Fits and stores a detector. Every model runs once an image.
 *
 * @throws OodError as the models, the reader and the method do
 */
export async function fitMethodFile(options: FitMethodOptions): Promise<DetectorFile> {
  const { calibration, detector, fitMethod, packNumbers } = await import('@ood/detect')
  const { createMeasurer, heldOutScores, makeMethod } = await import('@ood/methods')
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
  return withModels(options, async ({ models, shape }) => {
    const method = makeMethod(name, models)
    const { images: train } = await readImages(options.images, { ...options, shape })
    const heldOut = options.calibrate ? (await readImages(options.calibrate, { ...options, shape })).images : undefined
    const calibrationImages = rowCount(heldOut ?? train)
    if (falsePositiveRate * calibrationImages < 1)
      throw mismatch('E_ARGUMENT', '--fpr', `at least 1/${calibrationImages} with so many images`, falsePositiveRate)
    const measurer = createMeasurer({ seed, batchSize, signal, onProgress })
    const { fit, columns } = await fitMethod(method, (needs) => measurer.measure(needs, 'train', train))
    const found = detector({ ...method, initial: fit })
    const scored = heldOut ? await measurer.measure(method.needs(fit), 'calibrate', heldOut) : columns
    if (heldOut) await found.inferThreshold({ columns: scored }, falsePositiveRate)
    const { shape: rows } = train
    const stored: DetectorFile = {
      ...found.toJSON(),
      ...(heldOut ? {} : trainingThreshold(method, columns, fit)),
      data: {
        shape: rows.slice(1),
        valueRange: null,
        rangeSource: null,
        wholeNumbers: null,
        ...described(found.toJSON().data),
      },
      registryName: name,
    }
    writeFileAtomic(out, `${JSON.stringify(stored, null, 2)}\n`)
    return stored
  })
}

/** The fields of a profile that are known. */
function described<T extends object>(profile: T): Partial<T> {
  return Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== null)) as Partial<T>
}

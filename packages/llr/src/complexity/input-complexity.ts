// Input complexity as a method over any likelihood model of 8-bit images.
import { assertOptions, type LikelihoodModel, mismatch, type NdArray, rowCount, rowSize } from '@ood/core'
import { type Columns, describedBy, logProbOf, type Measurement, type Method, measurement, vector } from '@ood/detect'
import { noFit } from '../internal/no-fit.ts'
import { type ComplexityOptions, checkedCodecs, complexity } from './complexity.ts'
import { complexityScore } from './complexity-score.ts'

/** Settings of the method. */
export interface InputComplexityOptions extends Pick<ComplexityOptions, 'codecs' | 'count' | 'compat' | 'onWarning'> {
  /**
   * Size of one grey level in the units of the model's density (default 1): 1 for probabilities of bytes (PixelCNN++)
   * and for densities of dequantised pixels in [0, 256) (`openFlow`), 1/256 for densities of pixels in [0, 1), 2/255 for
   * the frame [-1, 1].
   */
  levelWidth?: number | undefined
}

/**
 * Code lengths of 8-bit images as a measurement: columns `bits` (8 times the bytes of the smallest file), and `winner`,
 * the codec that made it.
 *
 * @example
 * const needs = { code: codeLength() } // column code.bits
 */
export function codeLength(
  options: Pick<ComplexityOptions, 'codecs' | 'count' | 'compat' | 'onWarning'> = {},
): Measurement {
  assertOptions('codeLength', options, ['codecs', 'count', 'compat', 'onWarning'])
  const codecs = checkedCodecs(options)
  const { count = 'file', compat = null, onWarning } = options
  const settings = { codecs: codecs.map(({ name }) => name), count, compat }
  return measurement('codeLength', [], settings, ['bits', 'winner'], async (images: NdArray, call = {}) => {
    const { signal, onProgress, batchSize } = call
    const { bits, winner } = await complexity(images, {
      codecs,
      count,
      ...(compat ? { compat } : {}),
      onWarning,
      signal,
      onProgress,
      batchSize,
    })
    return { bits, winner: Float64Array.from(winner) }
  })
}

/** D of every row. */
const rowDimension: Measurement = measurement('rowDimension', [], {}, ['dimension'], (x: NdArray) => ({
  dimension: new Float64Array(rowCount(x)).fill(rowSize(x)),
}))

/**
 * Input complexity (Serra et al. 2020, arXiv 1909.11480): S(x) = -log2 p(x) - L(x) in bits, see `complexityScore`. It needs
 * no second model and no training.
 *
 * log p must be that of the **discrete** image: the score compares it with a number of bits. Mass models (PixelCNN++)
 * give it. A flow gives a density of dequantised images; in units of one grey level, log-determinants of all
 * preprocessing included, its mean over the dequantisation noise is a lower bound of the discrete log p (Theis et al.
 * 2016), and that is what `flow.logProb(x)` is by default (`space: 'pixel'`, the quantity `bitsPerDim` divides). A density
 * in logit space alone is not: its image-dependent log-determinant is missing. Other units are `levelWidth`: log p gains
 * D ln levelWidth, the same for every image, so rankings stay but S is no longer bits.
 *
 * Stochastic likelihoods depend on `seed`.
 *
 * @param model - likelihood of images [N, C, H, W] with pixels 0..255
 * @throws OodError `E_ARGUMENT`; from measuring those of `complexity` and the model
 * @example
 * const flow = await openFlow(checkpointPath('flow-fmnist'))
 * const simple = detector(inputComplexity(flow, { codecs: await installedCodecs() }))
 * await simple.inferThreshold(heldOutImages, 0.05)
 * const { data } = await simple.predict(images) // instanceScore in bits, isOutlier, pValue
 */
export function inputComplexity(model: LikelihoodModel, options: InputComplexityOptions = {}): Method<null> {
  assertOptions('inputComplexity', options, ['codecs', 'count', 'compat', 'onWarning', 'levelWidth'])
  const { levelWidth = 1, ...coding } = options
  const { count = 'file', compat = null } = coding
  if (!(levelWidth > 0 && Number.isFinite(levelWidth)))
    throw mismatch('E_ARGUMENT', 'levelWidth', 'a positive number', levelWidth)
  // Codecs first: pixels that are no bytes are refused before the model is asked.
  const needs = {
    code: codeLength(coding),
    model: logProbOf(model),
    ...(levelWidth === 1 ? {} : { row: rowDimension }),
  }
  const inLevels = (columns: Columns): Float64Array => {
    const logProb = vector(columns, 'model.logProb')
    if (levelWidth === 1) return logProb
    const dimension = vector(columns, 'row.dimension')
    return logProb.map((value, i) => value + dimension[i]! * Math.log(levelWidth))
  }
  return {
    name: 'InputComplexity',
    source: 'Serra et al. 2020',
    settings: { codecs: checkedCodecs(options).map(({ name }) => name), count, levelWidth, compat },
    models: { model },
    data: { ...describedBy([model]), valueRange: [0, 255] },
    ...noFit,
    needs: () => needs,
    score: (columns) => complexityScore(inLevels(columns), vector(columns, 'code.bits')),
  }
}

// The input-complexity detector over any likelihood model of 8-bit images.
import {
  assertOptions,
  type CallOptions,
  type LikelihoodModel,
  mismatch,
  type NdArray,
  rowSize,
  throwIfAborted,
} from '@ood/core'
import type { DecisionState } from '../ratio/decision-state.ts'
import { describedBy } from '../ratio/internal/described.ts'
import { extend } from '../ratio/internal/extend.ts'
import { sweepOptions } from '../ratio/internal/sweeps.ts'
import { type DetectorOptions, type OutlierDetector, outlierDetector } from '../ratio/outlier-detector.ts'
import { DETECTOR_OPTIONS } from '../ratio/outlier-types.ts'
import { parseStored, type StoredDetector, stored, wrongField } from '../ratio/stored-detector.ts'
import { type Complexity, type ComplexityOptions, checkedCodecs, complexity } from './complexity.ts'
import { complexityScore } from './complexity-score.ts'

/** Settings of the detector. */
export interface InputComplexityOptions
  extends Omit<DetectorOptions, 'compat'>,
    Pick<ComplexityOptions, 'codecs' | 'count' | 'compat' | 'onWarning'> {
  /**
   * Size of one grey level in the units of the model's density (default 1): 1 for probabilities of bytes (PixelCNN++)
   * and for densities of dequantised pixels in [0, 256) (`openFlow`), 1/256 for densities of pixels in [0, 1), 2/255 for
   * the frame [-1, 1].
   */
  levelWidth?: number
}

/** What a score is made of, one number per image. */
export interface ComplexityScores {
  /** S, in bits: higher = more OOD. */
  score: Float64Array
  /** log p of the discrete image, in nats. */
  logProb: Float64Array
  /** L and who gave it. */
  complexity: Complexity
}

/** The detector's settings and decision as plain JSON; model and codecs are given again on loading. */
export interface InputComplexityState extends StoredDetector {
  name: 'InputComplexity'
  /** Names of the codecs, in order. */
  codecs: string[]
  count: 'file' | 'payload'
  levelWidth: number
}

/** Input-complexity detector over images [N, C, H, W] of whole numbers 0..255. */
export interface InputComplexity extends OutlierDetector {
  readonly model: LikelihoodModel
  /** Score, log p and complexity of every image: one sweep of the model, one of the codecs. */
  evaluate(images: NdArray, options?: CallOptions): Promise<ComplexityScores>
  toJSON(): InputComplexityState
}

/**
 * Input-complexity detector (Serra et al. 2020, arXiv 1909.11480): S(x) = -log2 p(x) - L(x), see `complexityScore`. It
 * needs no second model and no training.
 *
 * log p must be that of the **discrete** image: the score compares it with a number of bits. Mass models (PixelCNN++)
 * give it. A flow gives a density of dequantised images; in units of one grey level, log-determinants of all
 * preprocessing included, its mean over the dequantisation noise is a lower bound of the discrete log p (Theis et al.
 * 2016), and that is what `flow.logProb(x)` is by default (`space: 'pixel'`, the quantity `bitsPerDim` divides). A density
 * in logit space alone is not: its image-dependent log-determinant is missing. Other units are `levelWidth`: log p gains
 * D ln levelWidth, the same for every image, so rankings stay but S is no longer bits.
 *
 * Threshold, p-values, predictions and state work as in `outlierDetector`. Stochastic likelihoods depend on `seed`.
 *
 * @param model - likelihood of images [N, C, H, W] with pixels 0..255
 * @throws OodError `E_ARGUMENT`; from calls: those of `complexity`, `outlierDetector` and the model
 * @example
 * const detector = inputComplexity(await openFlow(checkpointPath('flow-fmnist')), { codecs: await installedCodecs() })
 * await detector.inferThreshold(heldOutImages, 0.05)
 * const { data } = await detector.predict(images) // instanceScore in bits, isOutlier, pValue
 */
export function inputComplexity(model: LikelihoodModel, options: InputComplexityOptions = {}): InputComplexity {
  assertOptions('inputComplexity', options, [...DETECTOR_OPTIONS, 'codecs', 'count', 'onWarning', 'levelWidth'])
  return complexityDetector(model, options)
}

/**
 * A detector from its stored state. Codecs are opened anew and must have the stored names in the stored order; their
 * versions are the caller's to keep, since sizes depend on them.
 *
 * @param state - `JSON.parse` of what `JSON.stringify(detector)` wrote
 * @throws OodError `E_FILE` naming the field that is wrong, `E_ARGUMENT` for other codecs
 * @example
 * const detector = inputComplexityFromJSON(JSON.parse(text), flow, { codecs: await openCodecs(['png', 'webp']) })
 */
export function inputComplexityFromJSON(
  state: unknown,
  model: LikelihoodModel,
  options: Pick<InputComplexityOptions, 'codecs' | 'onWarning'> = {},
): InputComplexity {
  const { decision, settings, fields } = parseStored(state, 'InputComplexity')
  const { codecs, count, levelWidth } = fields
  if (!Array.isArray(codecs)) throw wrongField('codecs', 'a list of names', codecs)
  if (count !== 'file' && count !== 'payload') throw wrongField('count', 'file or payload', count)
  if (typeof levelWidth !== 'number') throw wrongField('levelWidth', 'a number', levelWidth)
  const given = { ...options, ...settings }
  const names = checkedCodecs(given).map((codec) => codec.name)
  if (names.join() !== codecs.join())
    throw mismatch('E_ARGUMENT', 'detector codecs', codecs.join(', '), names.join(', '))
  return complexityDetector(model, { ...given, count, levelWidth }, decision)
}

function complexityDetector(
  model: LikelihoodModel,
  options: InputComplexityOptions,
  state?: DecisionState,
): InputComplexity {
  const { count = 'file', compat, levelWidth = 1, onWarning } = options
  if (typeof model?.logProb !== 'function')
    throw mismatch('E_ARGUMENT', 'inputComplexity model', 'a model with logProb', model)
  if (!(levelWidth > 0 && Number.isFinite(levelWidth)))
    throw mismatch('E_ARGUMENT', 'levelWidth', 'a positive number', levelWidth)
  const codecs = checkedCodecs(options)
  const settings: ComplexityOptions = {
    codecs,
    count,
    ...(compat ? { compat } : {}),
    ...(onWarning ? { onWarning } : {}),
  }

  const evaluate = async (images: NdArray, call: CallOptions = {}): Promise<ComplexityScores> => {
    // Codecs first: pixels that are no bytes are refused before the model is asked.
    const sizes = await complexity(images, {
      ...sweepOptions(call, images, 0, 2, 'input complexity: codecs'),
      ...settings,
    })
    throwIfAborted(call.signal, 'input complexity')
    const { instance } = await model.logProb(images, sweepOptions(call, images, 1, 2, 'input complexity: model'))
    const offset = rowSize(images) * Math.log(levelWidth)
    const logProb = instance.map((value) => value + offset)
    return { score: complexityScore(logProb, sizes.bits), logProb, complexity: sizes }
  }
  const { compat: _, ...shared } = options
  const dataShape = options.dataShape ?? describedBy(model).dataShape
  const detector = outlierDetector(
    {
      ...shared,
      ...(dataShape ? { dataShape } : {}),
      valueRange: options.valueRange ?? [0, 255],
      name: 'InputComplexity',
      scores: async (images, _feature, call) => ({ instance: (await evaluate(images, call)).score, feature: null }),
    },
    state,
  )
  return extend(detector, {
    model,
    evaluate,
    toJSON: (): InputComplexityState => ({
      ...stored('InputComplexity', options, detector.decision()),
      codecs: codecs.map(({ name }) => name),
      count,
      levelWidth,
    }),
  })
}

// A conditional model under one fixed condition, for whoever wants a plain likelihood.
import { mismatch, type NdArray } from '@ood/core'
import type { PixelCnn } from './pixel-cnn.ts'

/**
 * The conditional model p(x | condition) as a model without conditions, such as a detector takes. It shares the engine:
 * releasing either releases both.
 *
 * @param condition - one condition, [...conditionShape] or [1, ...conditionShape]
 * @throws OodError `E_SHAPE`, and `E_ARGUMENT` for a model without conditions
 * @example
 * const ankleBoots = bindCondition(model, tensor(oneHot(9), [10]))
 * const { instance } = await ankleBoots.logProb(images)
 */
export function bindCondition(model: PixelCnn, condition: NdArray): PixelCnn {
  const { conditionShape, ...rest } = model
  if (!conditionShape) throw mismatch('E_ARGUMENT', 'bindCondition', 'a model with a condition', model.manifest.name)
  const shape = conditionShape.join(', ')
  const given = condition.shape.join()
  if (given !== conditionShape.join() && given !== [1, ...conditionShape].join())
    throw mismatch('E_SHAPE', 'bindCondition condition', `shape [${shape}] or [1, ${shape}]`, condition.shape)
  return {
    ...rest,
    logProb: (x, options) => model.logProb(x, { ...options, condition }),
    bitsPerDim: (x, options) => model.bitsPerDim(x, { ...options, condition }),
    params: (x, options) => model.params(x, { ...options, condition }),
    sample: (n, options) => model.sample(n, { ...options, condition }),
  }
}

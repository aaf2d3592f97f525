// The units of raw data that a model's preprocessing and value range imply.
import type { DataUnits } from '@ood/core'
import type { TransformSpec } from './types.ts'

/** What a model says of its raw data, as in a manifest. */
export interface DescribedData {
  preprocessing: readonly TransformSpec[]
  /** Smallest and largest raw value; undefined where nobody said. */
  valueRange?: readonly [number, number] | undefined
  /** Shape of one raw row, [C, H, W] for images. */
  shape: readonly number[]
}

/**
 * The units raw rows must have, for `assertUnits`. The first step that touches numbers decides:
 *
 * | first step | raw values |
 * |---|---|
 * | `dequantize`, `uniform-noise` | whole numbers 0..levels - 1 (dequantize with `input: 'unit'`: [0, 1]) |
 * | `unit`, `scale` | [0, levels - 1]; fractions pass, but no row that lies in [0, 1] and has some |
 * | `zero-center`, `logit`, `symmetric-logit` | [0, 1] |
 * | none of these, images [C, H, W] | the value range and one width of it either side, for it may be that of a sample |
 * | none of these, other rows | anything: a vector far outside the training data is what a detector is for |
 *
 * @example
 * const units = dataUnits({ preprocessing: manifest.preprocessing, valueRange: [0, 255], shape: [1, 28, 28] })
 * assertUnits('logProb', images, units)
 */
export function dataUnits({ preprocessing, valueRange, shape }: DescribedData): DataUnits {
  const first = preprocessing.find(({ name }) => name !== 'flatten' && name !== 'identity')
  const levels = (first && 'levels' in first ? first.levels : undefined) ?? 256
  switch (first?.name) {
    case 'dequantize':
      if (first.input === 'unit') return { valueRange: [0, 1] }
      return { valueRange: [0, levels - 1], wholeNumbers: true }
    case 'uniform-noise':
      return { valueRange: [0, levels - 1], wholeNumbers: true }
    case 'unit':
    case 'scale':
      return { valueRange: [0, levels - 1], manyLevels: levels >= 8 }
    case 'zero-center':
    case 'logit':
    case 'symmetric-logit':
      return { valueRange: [0, 1] }
  }
  if (shape.length !== 3 || !valueRange) return { valueRange: null }
  const [low, high] = valueRange
  return { valueRange: [low, high], slack: high - low, manyLevels: low === 0 && high >= 7 }
}

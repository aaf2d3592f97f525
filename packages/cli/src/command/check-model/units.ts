// Unit sanity on the user's images: bits a number that a trained model gives, and whether the negative fits better.
import { flatData, median, type NdArray, rowSize, tensor } from '@ood/core'
import { attempt, type Check, judged } from './report.ts'

/** A model of bytes, as far as this check needs it. */
interface BitsModel {
  bitsPerDim(x: NdArray, options?: { seed?: number }): Promise<Float64Array>
}

/**
 * Bits per dimension of images of `levels` grey levels. Uniform noise costs log2(levels); images that a model was trained
 * on cost less, and less than their negatives.
 */
export function bits(model: BitsModel, x: NdArray, levels: number): Promise<Check> {
  const uniform = Math.log2(levels)
  const mend = 'give images like those of the training set: same scale, same polarity (--invert), same size (--resize)'
  return attempt('units', mend, async () => {
    const data = flatData(x)
    if (levels > 2 && data.every((value) => value <= 1))
      return judged(
        false,
        `no value above 1 where 0 to ${levels - 1} is expected`,
        `are they in [0, 1]? multiply them by ${levels - 1}`,
      )
    const own = median(await model.bitsPerDim(x, { seed: 0 }))
    const negative = tensor(
      data.map((value) => levels - 1 - value),
      x.shape,
    )
    const turned = median(await model.bitsPerDim(negative as NdArray, { seed: 0 }))
    const found = `${own.toFixed(2)} bits/dim (uniform noise ${uniform.toFixed(0)}, the negatives ${turned.toFixed(2)})`
    if (own >= uniform) return judged(false, found, mend)
    return judged(own <= turned, found, 'the negatives fit better: try --invert')
  })
}

/** Whether `x` has enough numbers for the sanity check to mean anything. */
export function worthJudging(x: NdArray): boolean {
  return rowSize(x) >= 16
}

// Real images: the dimension of Fashion-MNIST and MNIST by every method, and its rank correlation with the PNG's size.
import { concatRows, flatData, mean, type NdArray, random, rowCount, sliceRows, tensor } from '@ood/core'
import { loadSample } from '@ood/datasets'
import { pngBytes } from './png-size.ts'
import { spearman } from './score.ts'
import type { Outcome } from './types.ts'

/** Image sets of the benchmark: 512 shipped training and 512 shipped test images of each. */
export const IMAGE_SETS: readonly string[] = ['fashion-mnist', 'mnist']

/** Test images first, so that queries are images no shipped model saw; then the training ones. */
export async function imagesOf(name: string): Promise<{ bytes: NdArray; rows: NdArray }> {
  const [test, train] = await Promise.all([loadSample(name, 'test'), loadSample(name, 'train')])
  const bytes = concatRows([test.images, train.images])
  const n = rowCount(bytes)
  const unit = Float64Array.from(flatData(bytes), (value) => value / 255)
  return { bytes, rows: tensor(unit, [n, unit.length / n]) }
}

/** PNG bytes of the first `count` images. */
export function pngSizes(bytes: NdArray, count: number): Float64Array {
  const [, , height = 0, width = 0] = bytes.shape
  const data = flatData(sliceRows(bytes, 0, count))
  const size = height * width
  return Float64Array.from({ length: count }, (_, i) =>
    pngBytes(data.subarray(i * size, (i + 1) * size), height, width),
  )
}

/** Draws of the bootstrap over images. */
const DRAWS = 1000

/** What one estimator says of images, whose true dimension nobody knows. */
export function imageOutcome(lid: ArrayLike<number>, sizes: Float64Array, ms: number, seed: number): Outcome {
  const nothing = { mae: Number.NaN, mse: Number.NaN, relativeBias: Number.NaN, concordance: Number.NaN }
  const outcome: Outcome = { ...nothing, meanLid: mean(lid), byDimension: {}, ms }
  if (lid.length !== sizes.length) return outcome
  const value = spearman(lid, sizes)
  if (Number.isNaN(value)) return outcome
  const rng = random(seed).fork('bootstrap')
  const draws = Array.from({ length: DRAWS }, () => {
    const rows = Int32Array.from({ length: sizes.length }, () => rng.integer(sizes.length))
    return spearman(
      Float64Array.from(rows, (row) => lid[row]!),
      Float64Array.from(rows, (row) => sizes[row]!),
    )
  }).sort((a, b) => a - b)
  const at = (share: number): number => draws[Math.round(share * (DRAWS - 1))]!
  return { ...outcome, rankCorrelation: { value, low: at(0.025), high: at(0.975) } }
}

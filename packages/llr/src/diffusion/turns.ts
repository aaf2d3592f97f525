// Training images turned: the same pixels, another content, for choosing t_frac without an outlier.
import { flatData, mismatch, type NdArray, tensor } from '@ood/core'

/**
 * Square images turned by a quarter and by a half: every pixel keeps its value and its neighbours, so the fine levels
 * of noise cost the same, while what the image shows is (for most objects) not in the training set.
 *
 * @param x - images [N, C, S, S]
 * @returns two batches shaped as x
 * @throws OodError `E_SHAPE` for rows that are no square images
 * @example
 * const [quarter, half] = quarterTurns(images)
 */
export function quarterTurns(x: NdArray): [NdArray, NdArray] {
  const [, channels, height, width] = x.shape
  if (x.shape.length !== 4 || height !== width || !channels || !height)
    throw mismatch('E_SHAPE', 'quarterTurns', 'square images [N, C, S, S]', [...x.shape])
  const data = flatData(x)
  const size = height
  const quarter = data.slice()
  const half = data.slice()
  for (let plane = 0; plane < data.length; plane += size * size) {
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const to = plane + row * size + column
        quarter[to] = data[plane + column * size + size - 1 - row]!
        half[to] = data[plane + (size - 1 - row) * size + size - 1 - column]!
      }
    }
  }
  return [tensor(quarter, x.shape), tensor(half, x.shape)]
}

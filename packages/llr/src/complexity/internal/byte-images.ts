// Rows of integer pixels as the byte images that encoders take.
import { flatData, mismatch, type NdArray, rowSize } from '@ood/core'
import type { ByteImage } from '../codec.ts'

/**
 * Checks that `images` is [N, 1 or 3, H, W] of whole numbers 0..255, so that a bad pixel is reported with its row before
 * any work is done.
 */
export function assertByteImages(what: string, images: NdArray): void {
  const [, channels, height, width] = images.shape
  if (images.shape.length !== 4 || (channels !== 1 && channels !== 3) || !(height! > 0 && width! > 0))
    throw mismatch('E_SHAPE', what, 'images [N, 1 or 3, H, W]', `[${images.shape.join(', ')}]`)
  const data = flatData(images)
  const size = rowSize(images)
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!
    if (!(value >= 0 && value <= 255 && Number.isInteger(value))) {
      const where = `${value} in row ${Math.floor(i / size)} at position ${i % size}`
      throw mismatch(Number.isFinite(value) ? 'E_ARGUMENT' : 'E_NOT_FINITE', what, 'whole numbers 0..255', where)
    }
  }
}

/** Row `row` of checked images [N, C, H, W] as bytes, channels last. */
export function byteImage(images: NdArray, row: number): ByteImage {
  const [, channels, height, width] = images.shape as [number, 1 | 3, number, number]
  const source = flatData(images)
  const plane = height * width
  const data = new Uint8Array(channels * plane)
  for (let c = 0; c < channels; c++) {
    const from = (row * channels + c) * plane
    for (let i = 0; i < plane; i++) data[i * channels + c] = source[from + i]!
  }
  return { width, height, channels, data }
}

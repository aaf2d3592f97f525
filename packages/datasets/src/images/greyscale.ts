// Colour to grey by ITU-R 601 luma, as the references' image library does it.
import { assertRows, flatData, mismatch, type NdArray, rowCount, tensor } from '@ood/core'

/** L = (19595 R + 38470 G + 7471 B) / 65536, rounded: 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point. */
export function luma(r: number, g: number, b: number): number {
  return Math.floor((19595 * r + 38470 * g + 7471 * b + 32768) / 65536)
}

/**
 * Grey images [N, 1, H, W] of colour images [N, 3, H, W] with values 0..255, rounded to whole pixels.
 * Grey images come back as they are.
 *
 * @throws OodError `E_SHAPE` unless there are 1 or 3 channels
 */
export function greyscale(images: NdArray): NdArray<Float32Array> {
  const [n, channels, height, width] = images.shape
  if (images.shape.length !== 4 || (channels !== 1 && channels !== 3)) {
    throw mismatch('E_SHAPE', 'greyscale', 'images [N, 1 or 3, H, W]', images.shape)
  }
  assertRows('greyscale', images, [channels, height!, width!])
  const source = flatData(images)
  if (channels === 1) return tensor(Float32Array.from(source), images.shape)
  const plane = height! * width!
  const out = new Float32Array(rowCount(images) * plane)
  for (let row = 0; row < n!; row++) {
    const at = row * 3 * plane
    for (let i = 0; i < plane; i++) {
      out[row * plane + i] = luma(source[at + i]!, source[at + plane + i]!, source[at + 2 * plane + i]!)
    }
  }
  return tensor(out, [n!, 1, height!, width!])
}

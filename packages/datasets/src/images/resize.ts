// Bilinear resizing with antialiasing: a triangle filter as wide as the scale when shrinking.
import { flatData, mismatch, type NdArray, rowCount, tensor } from '@ood/core'

/**
 * Resizes images [N, C, H, W] with values 0..255 to [height, width]: columns first, then rows, each pass rounded to
 * whole pixels, which is what the image library behind the published pipelines does on 8-bit images.
 *
 * Cost: O(N C H W) per filter tap, about 2 ceil(scale) + 1 taps a pixel and axis.
 *
 * @throws OodError `E_SHAPE` unless the batch has four axes, `E_ARGUMENT` for sizes that are no positive integers
 * @example
 * const small = resizeImages(images, [28, 28]) // [N, 1, 28, 28]
 */
export function resizeImages(images: NdArray, size: readonly [number, number]): NdArray<Float32Array> {
  if (images.shape.length !== 4) throw mismatch('E_SHAPE', 'resizeImages', 'images [N, C, H, W]', images.shape)
  const [, channels, height, width] = images.shape as [number, number, number, number]
  const [newHeight, newWidth] = checkedSize(size)
  const n = rowCount(images)
  const out = new Float32Array(n * channels * newHeight * newWidth)
  const source = flatData(images)
  const resize = planeResizer([height, width], [newHeight, newWidth])
  for (let plane = 0; plane < n * channels; plane++) {
    const from = source.subarray(plane * height * width, (plane + 1) * height * width)
    resize(from, out.subarray(plane * newHeight * newWidth, (plane + 1) * newHeight * newWidth))
  }
  return tensor(out, [n, channels, newHeight, newWidth])
}

/** Checks a [height, width] option. */
export function checkedSize(size: readonly [number, number]): readonly [number, number] {
  if (size.length !== 2 || !size.every((n) => Number.isInteger(n) && n > 0)) {
    throw mismatch('E_ARGUMENT', 'image size', 'two positive integers [height, width]', size)
  }
  return size
}

/** A function that resizes one plane of bytes into another; its filter taps are computed once. */
export function planeResizer(
  from: readonly [number, number],
  to: readonly [number, number],
): (source: ArrayLike<number>, out: Float32Array) => void {
  const [height, width] = from
  const [newHeight, newWidth] = to
  const columns = taps(width, newWidth)
  const rows = taps(height, newHeight)
  const half = new Float32Array(height * newWidth)
  return (source, out) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < newWidth; x++) {
        const { first, weights } = columns[x]!
        let sum = 0
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * source[y * width + first + k]!
        half[y * newWidth + x] = byte(sum)
      }
    }
    for (let y = 0; y < newHeight; y++) {
      const { first, weights } = rows[y]!
      for (let x = 0; x < newWidth; x++) {
        let sum = 0
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * half[(first + k) * newWidth + x]!
        out[y * newWidth + x] = byte(sum)
      }
    }
  }
}

function byte(value: number): number {
  return Math.min(255, Math.max(0, Math.floor(value + 0.5)))
}

interface Taps {
  first: number
  weights: Float64Array
}

/** For each output pixel the input pixels under its triangle and their weights, which sum to 1. */
function taps(from: number, to: number): Taps[] {
  const scale = from / to
  const support = Math.max(1, scale)
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale
    const first = Math.max(0, Math.floor(centre - support + 0.5))
    const end = Math.min(from, Math.floor(centre + support + 0.5))
    const weights = Float64Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k + 0.5 - centre) / support)),
    )
    const sum = weights.reduce((a, b) => a + b, 0)
    return { first, weights: weights.map((w) => w / sum) }
  })
}

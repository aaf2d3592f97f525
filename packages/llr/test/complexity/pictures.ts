// Test images by formula (the same as in fixtures/generate.py), and the batch they make.
import { type NdArray, tensor } from '@ood/core'
import type { ByteImage } from '../../src/index.ts'

export type Kind = 'constant' | 'ramp' | 'waves' | 'stripes' | 'hash'
export const kinds: readonly Kind[] = ['constant', 'ramp', 'waves', 'stripes', 'hash']

/** A picture of a kind. */
export function picture(height: number, width: number, channels: 1 | 3, kind: Kind): ByteImage {
  const value = (y: number, x: number, c: number): number => {
    if (kind === 'constant') return 77
    if (kind === 'ramp') return (3 * x + 5 * y + 40 * c) % 256
    if (kind === 'waves') return Math.floor(128 + 60 * Math.sin(x / 3 + c) + 60 * Math.cos(y / 4 - c) + 0.5)
    if (kind === 'stripes') return (Math.floor(x / 3) + Math.floor(y / 5) + c) % 2 === 0 ? 30 : 220
    const n = (y * width + x) * channels + c
    return (Math.floor(((n * 2654435761) % 2 ** 32) / 2 ** 13) ^ Math.floor(((n * n * 40503) % 2 ** 32) / 2 ** 7)) & 255
  }
  const data = new Uint8Array(height * width * channels)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = value(y, x, c)
  return { width, height, channels, data }
}

/** Images of one size as a batch [N, C, H, W]. */
export function batch(images: readonly ByteImage[]): NdArray {
  const { width, height, channels } = images[0]!
  const out = new Float32Array(images.length * channels * width * height)
  images.forEach(({ data }, n) => {
    for (let i = 0; i < width * height; i++)
      for (let c = 0; c < channels; c++) out[(n * channels + c) * width * height + i] = data[i * channels + c]!
  })
  return tensor(out, [images.length, channels, height, width])
}

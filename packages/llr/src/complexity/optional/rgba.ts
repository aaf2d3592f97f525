// Pixels as the canvas-style encoders take them.
import type { ByteImage } from '../codec.ts'

/** What encoders for browsers call ImageData. */
export interface RgbaImage {
  data: Uint8ClampedArray
  width: number
  height: number
}

/** Opaque RGBA; grey images get three equal channels, which these formats code as next to nothing. */
export function rgba({ width, height, channels, data }: ByteImage): RgbaImage {
  const out = new Uint8ClampedArray(4 * width * height)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = data[channels * i + (channels === 3 ? c : 0)]!
    out[4 * i + 3] = 255
  }
  return { data: out, width, height }
}

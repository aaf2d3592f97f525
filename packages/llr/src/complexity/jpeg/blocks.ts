// From pixels to quantised 8 x 8 blocks: colour planes, cosine transform, rounding (ITU-T T.81 A.3, JFIF 1.02).
import type { ByteImage } from '../codec.ts'
import { zigzag } from './tables.ts'

/** One component of an image. */
interface Plane {
  width: number
  height: number
  data: Float64Array
}

/** Greyscale as one plane; RGB as luminance and two chrominance planes of half the width and height (4:2:0). */
export function planesOf({ width, height, channels, data }: ByteImage): Plane[] {
  if (channels === 1) return [{ width, height, data: Float64Array.from(data) }]
  const mix = (r: number, g: number, b: number, offset: number): Plane => ({
    width,
    height,
    data: Float64Array.from({ length: width * height }, (_, i) =>
      Math.round(offset + r * data[3 * i]! + g * data[3 * i + 1]! + b * data[3 * i + 2]!),
    ),
  })
  return [
    mix(0.299, 0.587, 0.114, 0),
    halved(mix(-0.168735892, -0.331264108, 0.5, 128)),
    halved(mix(0.5, -0.418687589, -0.081312411, 128)),
  ]
}

/** Means of 2 x 2 pixels, rounded; an odd edge is repeated. */
function halved(plane: Plane): Plane {
  const width = Math.ceil(plane.width / 2)
  const height = Math.ceil(plane.height / 2)
  const data = new Float64Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const sum =
        pixel(plane, 2 * x, 2 * y) +
        pixel(plane, 2 * x + 1, 2 * y) +
        pixel(plane, 2 * x, 2 * y + 1) +
        pixel(plane, 2 * x + 1, 2 * y + 1)
      data[y * width + x] = Math.floor((sum + 2) / 4)
    }
  return { width, height, data }
}

/** The pixel at (x, y), or the nearest one at an edge. */
function pixel({ width, height, data }: Plane, x: number, y: number): number {
  return data[Math.min(y, height - 1) * width + Math.min(x, width - 1)]!
}

/** cosines[u * 8 + x] = c(u) / 2 cos((2 x + 1) u pi / 16): an orthonormal transform. */
const cosines = Float64Array.from(
  { length: 64 },
  (_, i) => (i < 8 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * (i & 7) + 1) * (i >> 3) * Math.PI) / 16),
)

/** Quantised coefficients of the block with its corner at (8 column, 8 row), in zigzag order. */
export function quantisedBlock(plane: Plane, column: number, row: number, steps: Uint8Array): Int32Array {
  const rows = new Float64Array(64)
  for (let y = 0; y < 8; y++)
    for (let u = 0; u < 8; u++) {
      let sum = 0
      for (let x = 0; x < 8; x++) sum += cosines[u * 8 + x]! * (pixel(plane, 8 * column + x, 8 * row + y) - 128)
      rows[y * 8 + u] = sum
    }
  const out = new Int32Array(64)
  for (let k = 0; k < 64; k++) {
    const at = zigzag[k]!
    const v = at >> 3
    let sum = 0
    for (let y = 0; y < 8; y++) sum += cosines[v * 8 + y]! * rows[y * 8 + (at & 7)]!
    // Integer encoders keep three fractional bits before dividing, and round halves away from zero both times.
    const eighths = Math.floor(8 * Math.abs(sum) + 0.5 + 1e-9)
    out[k] = Math.sign(sum) * Math.floor((eighths + 4 * steps[at]!) / (8 * steps[at]!))
  }
  return out
}

// The size of a good PNG of an image: the five row filters of the format, the adaptive choice, and zlib at level 9.
import { deflateSync } from 'node:zlib'

/** Signature, IHDR, the frame of one IDAT chunk, IEND: bytes that every greyscale PNG has. */
const FRAME = 8 + 25 + 12 + 12

/**
 * Bytes of the smallest of six PNGs of a greyscale 8-bit image: one filter for all rows (none, sub, up, average, Paeth)
 * or for each row the one with the least sum of absolute differences (the heuristic of the PNG specification, section
 * 12.8), each compressed by zlib at level 9. This is what a careful encoder writes; it is no bound on compressibility.
 *
 * @param pixels - height x width bytes, row-major
 */
export function pngBytes(pixels: ArrayLike<number>, height: number, width: number): number {
  const filtered = Array.from({ length: height }, (_, i) =>
    FILTERS.map((filter) => filterRow(pixels, i, width, filter)),
  )
  const strategies = [
    ...FILTERS.map((_, f) => filtered.map((rows) => ({ f, row: rows[f]! }))),
    filtered.map((rows) => rows.map((row, f) => ({ f, row })).reduce((a, b) => (cost(b.row) < cost(a.row) ? b : a))),
  ]
  const sizes = strategies.map((rows) => {
    const bytes = new Uint8Array(height * (width + 1))
    rows.forEach(({ f, row }, i) => {
      bytes[i * (width + 1)] = f
      bytes.set(row, i * (width + 1) + 1)
    })
    return deflateSync(bytes, { level: 9, memLevel: 9 }).length
  })
  return FRAME + Math.min(...sizes)
}

/** Prediction of a byte from its left, upper and upper-left neighbours. */
type Filter = (left: number, up: number, corner: number) => number

const FILTERS: readonly Filter[] = [
  () => 0,
  (left) => left,
  (_, up) => up,
  (left, up) => (left + up) >> 1,
  (left, up, corner) => {
    const p = left + up - corner
    const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)]
    return a <= b && a <= c ? left : b <= c ? up : corner
  },
]

function filterRow(pixels: ArrayLike<number>, i: number, width: number, filter: Filter): Uint8Array {
  const at = (row: number, j: number): number => (row < 0 || j < 0 ? 0 : pixels[row * width + j]!)
  return Uint8Array.from({ length: width }, (_, j) => at(i, j) - filter(at(i, j - 1), at(i - 1, j), at(i - 1, j - 1)))
}

/** Sum of the differences as signed bytes. */
function cost(row: Uint8Array): number {
  return row.reduce((sum, v) => sum + (v < 128 ? v : 256 - v), 0)
}

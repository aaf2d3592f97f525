// The five PNG row filters and the two ways of choosing one per row (PNG specification, third edition, section 9).
import type { ByteImage } from '../codec.ts'

/** Filter types by their number in the file: None, Sub, Up, Average, Paeth. */
const filterTypes = [0, 1, 2, 3, 4] as const
type FilterType = (typeof filterTypes)[number]

/** One filter for every row, or for each row the one with the least sum of absolute differences. */
export type FilterChoice = FilterType | 'adaptive'

/**
 * The image as PNG compresses it: each row after its filter's number. Bytes are differences from a prediction modulo
 * 256; above the first row and left of the first pixel everything is zero.
 */
export function filterRows({ width, height, channels, data }: ByteImage, choice: FilterChoice): Uint8Array {
  const stride = width * channels
  const out = new Uint8Array(height * (stride + 1))
  const trial = new Uint8Array(stride)
  for (let y = 0; y < height; y++) {
    const at = y * (stride + 1)
    if (choice !== 'adaptive') {
      out[at] = choice
      filterRow(choice, data, y, stride, channels, out.subarray(at + 1, at + 1 + stride))
      continue
    }
    let least = Number.POSITIVE_INFINITY
    for (const type of filterTypes) {
      filterRow(type, data, y, stride, channels, trial)
      const sum = absoluteSum(trial)
      if (sum < least) {
        least = sum
        out[at] = type
        out.set(trial, at + 1)
      }
    }
  }
  return out
}

/** Filters row `y` into `out`; `step` bytes is one pixel. */
function filterRow(type: FilterType, data: Uint8Array, y: number, stride: number, step: number, out: Uint8Array): void {
  const row = y * stride
  for (let x = 0; x < stride; x++) {
    const left = x >= step ? data[row + x - step]! : 0
    const up = y > 0 ? data[row + x - stride]! : 0
    const upLeft = x >= step && y > 0 ? data[row + x - stride - step]! : 0
    // Typed arrays store modulo 256.
    out[x] = data[row + x]! - predict(type, left, up, upLeft)
  }
}

function predict(type: FilterType, left: number, up: number, upLeft: number): number {
  if (type === 0) return 0
  if (type === 1) return left
  if (type === 2) return up
  if (type === 3) return (left + up) >> 1
  return paeth(left, up, upLeft)
}

/** Whichever neighbour is closest to left + up - upLeft; ties go to left, then up. */
function paeth(left: number, up: number, upLeft: number): number {
  const toLeft = Math.abs(up - upLeft)
  const toUp = Math.abs(left - upLeft)
  const toUpLeft = Math.abs(left + up - 2 * upLeft)
  if (toLeft <= toUp && toLeft <= toUpLeft) return left
  return toUp <= toUpLeft ? up : upLeft
}

/** Sum of bytes read as signed differences: small when rows predict well (the usual heuristic, section 12.7). */
function absoluteSum(bytes: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i++) sum += bytes[i]! < 128 ? bytes[i]! : 256 - bytes[i]!
  return sum
}

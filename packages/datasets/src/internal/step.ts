// What one transform does to flat float64 rows in place; the public face wraps a list of these.
import type { Random } from '@ood/core'
import type { TransformSpec } from '../transforms/types.ts'

/** N rows of one shape, row-major and private to the call, so a step may overwrite them. */
export interface Rows {
  data: Float64Array
  count: number
  /** Numbers in a row. */
  size: number
  /** Shape of one row. */
  shape: readonly number[]
}

/** Where a noise step gets its noise. */
interface NoiseSource {
  /** The stream of one row. */
  stream(row: number): Random
  /** Given noise, which replaces the streams. */
  given?: ArrayLike<number> | undefined
}

/** One transform over rows in place. */
export interface Step {
  /** The spec with its defaults. */
  spec: TransformSpec
  /** Whether the step draws noise. */
  noisy: boolean
  /** Replaces rows by their images and adds each row's ln |det| to `logDet`. */
  forward(rows: Rows, noise: NoiseSource, logDet: Float64Array): void
  /** Replaces rows by what they came from. */
  inverse(rows: Rows, quantize: boolean): void
  /** Shape of a row after the step, where it changes. */
  outputShape?(shape: readonly number[]): readonly number[]
  /** Shape of a row before the step, where it changes. */
  inputShape?(shape: readonly number[]): readonly number[]
}

/** A step made of one invertible function of one number. */
export function elementwise(
  spec: TransformSpec,
  forward: (x: number) => number,
  inverse: (y: number, quantize: boolean) => number,
  /** ln |dy/dx| as a function of x: a constant, or computed for each number. */
  logSlope: number | ((x: number) => number),
): Step {
  return {
    spec,
    noisy: false,
    forward({ data, count, size }, _noise, logDet) {
      for (let row = 0; row < count; row++) {
        let sum = 0
        for (let i = row * size; i < (row + 1) * size; i++) {
          const x = data[i]!
          if (typeof logSlope === 'function') sum += logSlope(x)
          data[i] = forward(x)
        }
        logDet[row]! += typeof logSlope === 'number' ? size * logSlope : sum
      }
    },
    inverse({ data }, quantize) {
      for (let i = 0; i < data.length; i++) data[i] = inverse(data[i]!, quantize)
    },
  }
}

/** A step that adds noise drawn row by row. */
export function additiveNoise(
  spec: TransformSpec,
  draw: (rng: Random) => number,
  combine: (x: number, noise: number) => number,
  inverse: (y: number, quantize: boolean) => number,
  logSlope: number,
): Step {
  return {
    spec,
    noisy: true,
    forward({ data, count, size }, noise, logDet) {
      for (let row = 0; row < count; row++) {
        const rng = noise.given ? undefined : noise.stream(row)
        for (let i = row * size; i < (row + 1) * size; i++) {
          data[i] = combine(data[i]!, rng ? draw(rng) : noise.given![i]!)
        }
        logDet[row]! += size * logSlope
      }
    },
    inverse({ data }, quantize) {
      for (let i = 0; i < data.length; i++) data[i] = inverse(data[i]!, quantize)
    },
  }
}

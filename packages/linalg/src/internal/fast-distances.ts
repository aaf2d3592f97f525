// Distances in the WebAssembly module. Each function returns undefined when WebAssembly SIMD cannot be had.
import type { FloatArray } from '@ood/core'
import { workspace } from './wasm.ts'

const roundUp2 = (n: number): number => n + (n % 2)

/** Squared distances of `height` rows from r on to `width` rows from c on; a view that the next call overwrites. */
export function fastBlockSquares(
  points: FloatArray,
  ambient: number,
  r: number,
  height: number,
  c: number,
  width: number,
): Float64Array | undefined {
  const stride = roundUp2(ambient)
  const same = r === c && height === width
  const space = workspace([height * stride, same ? 0 : width * stride, height * width])
  if (!space) return undefined
  const [X, Y, out] = space.at as [number, number, number]
  copyRows(space.numbers(X, height * stride), points, r, height, ambient)
  if (!same) copyRows(space.numbers(Y, width * stride), points, c, width, ambient)
  space.kernels.blockSquares(X, height, same ? X : Y, width, stride, same ? 1 : 0, out)
  return space.numbers(out, height * width)
}

/** Rows of `ambient` numbers to rows of an even number of them, zero at the end. */
function copyRows(target: Float64Array, points: FloatArray, from: number, count: number, ambient: number): void {
  const source = points.subarray(from * ambient, (from + count) * ambient)
  if (ambient % 2 === 0) {
    target.set(source)
    return
  }
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < ambient; j++) target[i * (ambient + 1) + j] = source[i * ambient + j]!
    target[i * (ambient + 1) + ambient] = 0
  }
}

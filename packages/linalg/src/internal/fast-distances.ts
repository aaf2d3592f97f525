// Distances in the WebAssembly module. Each function returns undefined when WebAssembly SIMD cannot be had.
import type { FloatArray } from '@ood/core'
import { copyEven } from './copy-even.ts'
import { workspace } from './wasm.ts'

/** Squared distances of `height` rows from r on to `width` rows from c on; a view that the next call overwrites. */
export function fastBlockSquares(
  points: FloatArray,
  ambient: number,
  r: number,
  height: number,
  c: number,
  width: number,
): Float64Array | undefined {
  const stride = ambient + (ambient % 2)
  const same = r === c && height === width
  const space = workspace([height * stride, same ? 0 : width * stride, height * width])
  if (!space) return undefined
  const [X, Y, out] = space.at as [number, number, number]
  copyEven(space.numbers(X, height * stride), points.subarray(r * ambient, (r + height) * ambient), height, ambient)
  if (!same)
    copyEven(space.numbers(Y, width * stride), points.subarray(c * ambient, (c + width) * ambient), width, ambient)
  space.kernels.blockSquares(X, height, same ? X : Y, width, stride, same ? 1 : 0, out)
  return space.numbers(out, height * width)
}

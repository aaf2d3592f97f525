// A neighbourhood of which only distances are known; inner products follow from them.
import { OodError } from '@ood/core'
import type { Neighbourhood } from '../neighbourhood.ts'

/** A neighbourhood of which only distances are known. */
export function withoutPoints(
  count: number,
  ambient: number,
  distances: Float64Array,
  pairSquares: () => Float64Array,
): Neighbourhood {
  let squares: Float64Array | undefined
  const pairs = (): Float64Array => {
    squares ??= pairSquares()
    return squares
  }
  return {
    count,
    ambient,
    get points(): Float64Array {
      throw new OodError('E_ARGUMENT', 'coordinates: expected points, got a matrix of distances, which has none')
    },
    coordinates: false,
    distances,
    pairSquares: pairs,
    gram: () => doublyCentred(pairs(), count),
    squares: () => distances.map((distance) => distance * distance),
  }
}

/** Inner products about the mean: -1/2 of the squared distances, without their row and column means. */
function doublyCentred(squares: Float64Array, k: number): Float64Array {
  const out = squares.map((square) => -square / 2)
  doublyCentre(out, k)
  return out
}

/** Subtracts row and column means: products about any point become products about the mean. */
export function doublyCentre(G: Float64Array, k: number): void {
  const means = new Float64Array(k)
  let total = 0
  for (let i = 0; i < k; i++) {
    let sum = 0
    for (let j = 0; j < k; j++) sum += G[i * k + j]!
    means[i] = sum / k
    total += sum / k / k
  }
  for (let i = 0; i < k; i++) {
    const shift = means[i]! - total
    for (let j = 0; j < k; j++) G[i * k + j] = G[i * k + j]! - shift - means[j]!
  }
}
